using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The byte-pair tokenizer of the CLIP text towers. Its ids are those of the transformers library's CLIPTokenizer.</summary>
public sealed class ClipTokenizer : ITextTokenizer
{
    private const int PublicLength = 77;
    private const string EndText = "<|endoftext|>";
    private static readonly Dictionary<string, string> Special = new() { ["bos_token"] = "<|startoftext|>", ["eos_token"] = EndText, ["unk_token"] = EndText, ["pad_token"] = EndText };
    private readonly BpeTokenizer _pairs;
    private readonly AddedVocabulary _added;
    private readonly TokenSides _sides;
    private readonly (long? Begin, long End, long Pad) _special;

    private ClipTokenizer(ClipVocabulary vocabulary, AddedVocabulary added, TokenizerOptions options, (int Begin, int End, int Pad) special)
    {
        _special = special;
        _added = added;
        _sides = options.Sides;
        MaxLength = options.MaxLength(PublicLength);
        VocabularySize = vocabulary.Ids.Values.Concat(added.Ids.Values).Max() + 1;
        _pairs = vocabulary.ToPairs(options.Special("unk_token", EndText)?.Content);
    }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <inheritdoc/>
    public bool PadsLeft => _sides.PadsLeft;

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <summary>The id that ends every sequence.</summary>
    public long EndToken => _special.End;

    /// <summary>Loads a tokenizer folder: tokenizer.json, or vocab.json with merges.txt where that is not there; see <see cref="TokenizerFormats"/>.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with the file that is absent or malformed.</returns>
    public static Result<ClipTokenizer> Load(string folder) => Load(folder, null);

    /// <param name="folder">The folder.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <inheritdoc cref="Load(string)"/>
    public static Result<ClipTokenizer> Load(string folder, Action<Fault>? warn) =>
        from vocabulary in ClipVocabulary.Load(folder)
        from options in TokenizerOptions.Load(folder, TokenizerFormats.ClipConfig, warn)
        let added = new AddedVocabulary(options.Added(Special, []), vocabulary.Ids, ClipText.Clean, options.SplitSpecial)
        from agreed in options.Agree(added)
        from begin in options.Framing("bos_token", Special, vocabulary.Ids, vocabulary.Path)
        from end in options.Framing("eos_token", Special, vocabulary.Ids, vocabulary.Path)
        from pad in options.Framing("pad_token", Special, vocabulary.Ids, vocabulary.Path)
        select new ClipTokenizer(vocabulary, added, options, (begin, end, pad));

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (var (plain, token) in _added.Split(ClipText.WellFormed(text)))
        {
            if (token is { } id) tokens.Add(id);
            else foreach (var word in ClipText.Words(plain, ClipText.Framed).SelectMany(Pieces)) tokens.AddRange(_pairs.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
        }
        return TokenizedText.Frame(tokens, length, _special, _sides);
    }

    // The pattern keeps such a token apart from symbols that follow, but the byte level splits it once more.
    private static IEnumerable<string> Pieces(string word) => ClipText.Framed.Contains(word) ? [word[..2], word[2..^2], word[^2..]] : [word];
}
