using System.Text.RegularExpressions;
using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The byte-pair tokenizer of the CLIP text towers. Its ids are those of the transformers library's CLIPTokenizer.</summary>
public sealed class ClipTokenizer : ITextTokenizer
{
    private const int PublicLength = 77;
    private readonly BpeTokenizer _pairs;
    private readonly SpecialTokens _written;
    private readonly SpecialTokens _cleaned;
    private readonly (long? Begin, long End, long Pad) _special;

    private ClipTokenizer(ClipVocabulary vocabulary, TokenizerOptions options, (int Begin, int End, int Pad) special)
    {
        _special = special;
        MaxLength = options.MaxLength(PublicLength);
        VocabularySize = vocabulary.Ids.Values.Append(special.Pad).Max() + 1;
        var end = vocabulary.Ids.First(piece => piece.Value == special.End).Key;
        _pairs = BpeTokenizer.Create(new BpeOptions(vocabulary.Ids) { Merges = vocabulary.Merges, EndOfWordSuffix = "</w>", ByteLevel = true, UnknownToken = end });
        var added = Added(vocabulary, options).ToList();
        _written = new SpecialTokens(added.Where(token => !token.Normalized));
        _cleaned = new SpecialTokens(added.Where(token => token.Normalized).Select(token => token with { Content = ClipText.Clean(token.Content) }));
    }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <summary>The id that ends every sequence.</summary>
    public long EndToken => _special.End;

    /// <summary>
    /// Loads a tokenizer folder: vocab.json with merges.txt, or tokenizer.json where only that is there; tokenizer_config.json and special_tokens_map.json
    /// name the special tokens and the length.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with the file that is absent or malformed.</returns>
    public static Result<ClipTokenizer> Load(string folder) =>
        from vocabulary in ClipVocabulary.Load(folder)
        from options in TokenizerOptions.Load(folder)
        from begin in vocabulary.Id(options.Special("bos_token", "<|startoftext|>"))
        from end in vocabulary.Id(options.Special("eos_token", "<|endoftext|>"))
        from pad in vocabulary.Id(options.Special("pad_token", options.Special("eos_token", "<|endoftext|>")))
        select new ClipTokenizer(vocabulary, options, (begin, end, pad));

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (var (plain, special) in _written.Split(ClipText.WellFormed(text)))
        {
            if (special is { } id) tokens.Add(id);
            else AddCleaned(ClipText.Clean(plain), tokens);
        }
        return TokenizedText.Frame(tokens, length, _special);
    }

    private void AddCleaned(string text, List<int> tokens)
    {
        foreach (var (plain, special) in _cleaned.Split(text))
        {
            if (special is { } id) tokens.Add(id);
            else foreach (var word in ClipText.Words(plain)) tokens.AddRange(_pairs.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
        }
    }

    // Every special token is found in a text, a pad token that is an ordinary character ("!") included.
    private static IEnumerable<AddedToken> Added(ClipVocabulary vocabulary, TokenizerOptions options)
    {
        var declared = vocabulary.Added.Concat(options.Added).DistinctBy(token => token.Content).ToList();
        var named = ((string[])["bos_token", "eos_token", "pad_token", "unk_token"])
            .Select(key => options.Special(key, key == "bos_token" ? "<|startoftext|>" : "<|endoftext|>"))
            .Where(content => vocabulary.Ids.ContainsKey(content))
            .Select(content => new AddedToken(content, vocabulary.Ids[content], Normalized: false));
        return declared.Concat(named).DistinctBy(token => token.Content);
    }

    private sealed class SpecialTokens
    {
        private readonly Dictionary<string, int> _ids;
        private readonly Regex? _pattern;

        public SpecialTokens(IEnumerable<AddedToken> tokens)
        {
            _ids = tokens.ToDictionary(token => token.Content, token => token.Id);
            var longestFirst = _ids.Keys.OrderByDescending(content => content.Length).Select(Regex.Escape);
            _pattern = _ids.Count == 0 ? null : new Regex(string.Join('|', longestFirst), RegexOptions.CultureInvariant);
        }

        public IEnumerable<(string Plain, int? Special)> Split(string text)
        {
            var start = 0;
            foreach (var match in _pattern?.Matches(text) ?? Enumerable.Empty<Match>())
            {
                yield return (text[start..match.Index], null);
                yield return ("", _ids[match.Value]);
                start = match.Index + match.Length;
            }
            yield return (text[start..], null);
        }
    }
}
