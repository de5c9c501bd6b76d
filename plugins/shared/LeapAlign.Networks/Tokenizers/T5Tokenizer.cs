using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The SentencePiece unigram tokenizer of the T5 encoders. Its ids are those of the transformers library's T5Tokenizer.</summary>
public sealed class T5Tokenizer : ITextTokenizer
{
    private const int PublicLength = 512;
    private const char Space = '\u2581';
    private static readonly Dictionary<string, string> Special = new() { ["eos_token"] = "</s>", ["unk_token"] = "<unk>", ["pad_token"] = "<pad>" };
    private readonly UnigramPieces _pieces;
    private readonly AddedVocabulary _added;
    private readonly TokenSides _sides;
    private readonly (long? Begin, long End, long Pad) _special;

    private T5Tokenizer(UnigramPieces pieces, AddedVocabulary added, TokenizerOptions options, (int End, int Pad) special)
    {
        (_pieces, _added, _sides, _special) = (pieces, added, options.Sides, (null, special.End, special.Pad));
        MaxLength = options.MaxLength(PublicLength);
    }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <summary>One more than the largest id, the extra ids that a text has only when they are written in it left out.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Loads a tokenizer folder: tokenizer.json, or spiece.model where that is not there; see <see cref="TokenizerFormats"/>.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with the file that is absent or malformed.</returns>
    public static Result<T5Tokenizer> Load(string folder) => Load(folder, null);

    /// <param name="folder">The folder.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <inheritdoc cref="Load(string)"/>
    public static Result<T5Tokenizer> Load(string folder, Action<Fault>? warn) =>
        from model in SentencePieceModel.Load(folder)
        from options in TokenizerOptions.Load(folder, TokenizerFormats.T5Config, warn)
        from tokenizer in Create(model, options)
        select tokenizer;

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (var (plain, token) in _added.Split(ClipText.WellFormed(text)))
        {
            if (token is { } id) tokens.Add(id);
            else foreach (var word in Words(plain)) tokens.AddRange(_pieces.Of(word));
        }
        return TokenizedText.Frame(tokens, length, _special, _sides);
    }

    private static Result<T5Tokenizer> Create(SentencePieceModel model, TokenizerOptions options)
    {
        if (SentencePieceNormalizer.Create(model.Characters) is not { } normalizer) return TokenizerFile.Bad(model.Path, "the model's table of characters is damaged");
        if (model.Pieces.Count <= SentencePieceModel.Unknown)
            return TokenizerFile.Bad(model.Path, $"the model has {model.Pieces.Count} pieces, but has to have three at least: padding, end and unknown");
        string[] extra = [.. Enumerable.Range(0, options.ExtraIds).Select(static number => $"<extra_id_{number}>")];
        List<(string Text, float Score)> pieces = [.. model.Pieces];
        // A spiece.model lacks the extra ids: they follow, the last one first.
        if (!model.IsWhole) pieces.AddRange(extra.Reverse().Select(static text => (text, 0f)));
        Dictionary<string, int> ids = [];
        for (var id = 0; id < pieces.Count; id++) ids[pieces[id].Text] = id;
        var added = new AddedVocabulary(options.Added(Special, [.. model.Control, .. extra.Select(AddedToken.Named)]), ids, normalizer.Replace, options.SplitSpecial);
        try
        {
            var cut = new UnigramPieces(pieces);
            return from agreed in options.Agree(added)
                   from end in options.Framing("eos_token", Special, ids, model.Path)
                   from pad in options.Framing("pad_token", Special, ids, model.Path)
                   select new T5Tokenizer(cut, added, options, (end, pad)) { VocabularySize = ids.Concat(added.Ids).Where(entry => !extra.Contains(entry.Key)).Max(static entry => entry.Value) + 1 };
        }
        catch (Exception malformed) when (malformed is not OutOfMemoryException)
        {
            // The reader stumbles over a damaged model in many ways; none of them is more than a damaged file.
            return TokenizerFile.Bad(model.Path, $"this is not a SentencePiece model: {malformed.Message}");
        }
    }

    // Words are what lies between spaces; each begins with the mark of a space, and so does what follows such a mark inside a word.
    private static IEnumerable<string> Words(string text)
    {
        foreach (var word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            var marked = word[0] == Space ? word : Space + word;
            var start = 0;
            for (var next = marked.IndexOf(Space, 1); next >= 0; next = marked.IndexOf(Space, next + 1))
            {
                yield return marked[start..next];
                start = next;
            }
            yield return marked[start..];
        }
    }
}
