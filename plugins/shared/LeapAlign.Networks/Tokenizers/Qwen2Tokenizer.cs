using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The byte-pair tokenizer of Qwen's models. Its ids are those of the transformers library's Qwen2Tokenizer, which frames no text.</summary>
public sealed class Qwen2Tokenizer
{
    private const int PublicLength = 131_072;
    private const string EndText = "<|endoftext|>";
    private static readonly Dictionary<string, string> Special = new() { ["eos_token"] = EndText, ["unk_token"] = EndText, ["pad_token"] = EndText };
    private readonly BpeTokenizer _pairs;
    private readonly AddedVocabulary _added;
    private readonly TokenSides _sides;

    private Qwen2Tokenizer(ClipVocabulary vocabulary, AddedVocabulary added, TokenizerOptions options, int pad)
    {
        (_added, _sides, Pad) = (added, options.Sides, pad);
        MaxLength = options.MaxLength(PublicLength);
        VocabularySize = vocabulary.Ids.Values.Concat(added.Ids.Values).Max() + 1;
        _pairs = vocabulary.ToPairs(unknown: null, endOfWord: null);
    }

    /// <summary>The longest text, in tokens, that the files allow.</summary>
    public int MaxLength { get; }

    /// <summary>One more than the largest id: the rows that the encoder's embedding has to have at least.</summary>
    public int VocabularySize { get; }

    /// <summary>The id that fills up shorter texts.</summary>
    public int Pad { get; }

    /// <summary>Loads a tokenizer folder: tokenizer.json, or vocab.json with merges.txt where that is not there; see <see cref="TokenizerFormats"/>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with the file that is absent or malformed.</returns>
    public static Result<Qwen2Tokenizer> Load(string folder, Action<Fault>? warn = null) =>
        from vocabulary in ClipVocabulary.Load(folder)
        from bytes in vocabulary.RequireBytes()
        from template in QwenChat.Require(folder)
        from options in TokenizerOptions.Load(folder, TokenizerFormats.Qwen2Config, warn)
        let added = new AddedVocabulary(Plain(options), vocabulary.Ids, ClipText.Composed, options.SplitSpecial)
        from agreed in options.Agree(added)
        from pad in options.Special("pad_token", EndText) is { } token && added.Ids.TryGetValue(token.Content, out var id) ? Result.Ok(id) : TokenizerFile.Bad(vocabulary.Path, "the vocabulary lacks the special token 'pad_token'", "pad_token")
        select new Qwen2Tokenizer(vocabulary, added, options, pad);

    // The library adds its special tokens a second time, without the flags that a file gives them.
    private static IEnumerable<AddedToken> Plain(TokenizerOptions options)
    {
        var special = options.SpecialTokens(Special).Select(static token => token.Content).ToHashSet();
        return options.Added(Special, []).Select(token => special.Contains(token.Content) ? AddedToken.Named(token.Content) : token);
    }

    /// <summary>The ids of a text, without padding. Every string is accepted; unpaired surrogates count as U+FFFD.</summary>
    /// <param name="text">The text.</param>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> ids = [];
        foreach (var (plain, token) in _added.Split(ClipText.WellFormed(text)))
        {
            if (token is { } id) ids.Add(id);
            else foreach (var word in QwenText.Words(plain)) ids.AddRange(_pairs.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
        }
        return ids;
    }

    /// <summary>The ids of a text that fit, without padding: the end of a longer one is lost, or its beginning where the files say so.</summary>
    /// <param name="text">The text.</param>
    /// <param name="length">How many fit.</param>
    /// <returns>The ids, and whether some were lost.</returns>
    public (IReadOnlyList<int> Ids, bool WasCut) Encode(string text, int length)
    {
        var ids = Encode(text);
        return ids.Count <= length ? (ids, false) : ([.. _sides.CutsLeft ? ids.Skip(ids.Count - length) : ids.Take(length)], true);
    }
}
