using System.Text;
using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>BERT's uncased tokenizer, with the two tokens that BLIP adds to its vocabulary. Its ids are those of the transformers library.</summary>
public sealed class BertTokenizer : ITextTokenizer
{
    private const string File = "vocab.txt";
    private const int LongestWord = 100;
    private static readonly string[] s_special = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"];
    private static readonly string[] s_added = ["[DEC]", "[ENC]"];
    private readonly WordPieceTokenizer _pieces;
    private readonly AddedVocabulary _added;
    private readonly (int Unknown, int Begin, int End, int Pad) _ids;

    private BertTokenizer(WordPieceTokenizer pieces, AddedVocabulary added, (int Unknown, int Begin, int End, int Pad) ids, int size) =>
        (_pieces, _added, _ids, VocabularySize) = (pieces, added, ids, Math.Max(size, added.Ids.Values.Max() + 1));

    /// <inheritdoc/>
    public int MaxLength => 512;

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <summary>The id that ends every text.</summary>
    public long End => _ids.End;

    /// <summary>Loads vocab.txt of a folder, one piece a line; tokenizer_config.json beside it may say nothing that this is not.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with what is absent or malformed.</returns>
    public static Result<BertTokenizer> Load(string folder, Action<Fault>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var (path, config) = (Path.Combine(folder, File), Path.Combine(folder, "tokenizer_config.json"));
        return
            from kind in System.IO.File.Exists(config) ? ConfigFields.Read(config, Uncased, BlipFormats.Words, warn) : Unit.Value
            from lines in TokenizerFile.Lines(path)
            from tokenizer in Of(path, [.. lines.Select(static line => line.TrimEnd('\r'))])
            select tokenizer;
    }

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (var (plain, token) in _added.Split(ClipText.WellFormed(text)))
        {
            if (token is { } id) tokens.Add(id);
            else foreach (var word in BertText.Words(plain)) Add(word, tokens);
        }
        return TokenizedText.Frame(tokens, length, (_ids.Begin, _ids.End, _ids.Pad), default);
    }

    private void Add(string word, List<int> tokens)
    {
        if (word.EnumerateRunes().Count() > LongestWord) tokens.Add(_ids.Unknown);
        else tokens.AddRange(_pieces.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
    }

    private static Unit Uncased(ConfigFields fields)
    {
        foreach (var key in (string[])["do_lower_case", "strip_accents", "tokenize_chinese_chars", "do_basic_tokenize"])
            fields.Require(fields.Flag(key, true), key, "is false, but only the uncased tokenizer is known");
        return Unit.Value;
    }

    private static Result<BertTokenizer> Of(string path, string[] lines)
    {
        // A last line end is no piece.
        if (lines is [.. var before, ""]) lines = before;
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < lines.Length; i++) ids[lines[i]] = i;
        if (s_special.FirstOrDefault(token => !ids.ContainsKey(token)) is { } missing) return TokenizerFile.Bad(path, $"the vocabulary lacks '{missing}': this is not BERT's");
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        var pieces = WordPieceTokenizer.Create(stream, new WordPieceOptions { UnknownToken = "[UNK]", MaxInputCharsPerWord = 2 * LongestWord });
        var added = new AddedVocabulary([.. s_special.Concat(s_added).Select(AddedToken.Named)], ids, BertText.Clean, splitSpecial: false);
        return new BertTokenizer(pieces, added, (ids["[UNK]"], ids["[CLS]"], ids["[SEP]"], ids["[PAD]"]), lines.Length);
    }
}
