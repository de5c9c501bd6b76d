using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The SentencePiece unigram tokenizer of the T5 encoders. Special tokens spelled out in a text are ordinary text.</summary>
public sealed class T5Tokenizer : ITextTokenizer
{
    private const int PublicLength = 512;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly SentencePieceTokenizer _pieces;
    private readonly int _pad;

    private T5Tokenizer((SentencePieceNormalizer Normalizer, SentencePieceTokenizer Pieces) model, int pad, int maxLength)
    {
        (_normalizer, _pieces) = model;
        _pad = pad;
        MaxLength = maxLength;
        VocabularySize = _pieces.Vocabulary.Values.Append(pad).Max() + 1;
    }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <summary>Loads a tokenizer folder: spiece.model, or tokenizer.json where only that is there; tokenizer_config.json names the length.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with the file that is absent or malformed.</returns>
    public static Result<T5Tokenizer> Load(string folder) =>
        from options in TokenizerOptions.Load(folder)
        from model in SentencePieceModel.Load(folder)
        from tokenizer in Create(model, options)
        select tokenizer;

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TokenizedText.Frame(Tokens(_normalizer.Normalize(ClipText.WellFormed(text))), length, (null, _pieces.EndOfSentenceId, _pad));
    }

    private static Result<T5Tokenizer> Create(SentencePieceModel model, TokenizerOptions options)
    {
        if (SentencePieceNormalizer.Create(model.Characters) is not { } normalizer) return TokenizerFile.Bad(model.Path, "the model's table of characters is damaged");
        SentencePieceTokenizer pieces;
        try
        {
            using var stream = new MemoryStream(model.Bytes);
            pieces = SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
        }
        catch (Exception malformed) when (malformed is not OutOfMemoryException)
        {
            // The reader stumbles over a damaged model in many ways; none of them is more than a damaged file.
            return TokenizerFile.Bad(model.Path, $"this is not a SentencePiece model: {malformed.Message}");
        }
        if (pieces.EndOfSentenceId < 0) return TokenizerFile.Bad(model.Path, "the model has no end token");
        var padding = options.Special("pad_token", "<pad>");
        if (!pieces.Vocabulary.TryGetValue(padding, out var pad)) return TokenizerFile.Bad(model.Path, $"the model lacks the padding token '{padding}'");
        return new T5Tokenizer((normalizer, pieces), pad, options.MaxLength(PublicLength));
    }

    // Characters that the model does not know become one unknown token for each run of them, as SentencePiece defines it.
    private List<int> Tokens(string normalized)
    {
        List<int> tokens = [];
        if (normalized.Length == 0) return tokens;
        foreach (var id in _pieces.EncodeToIds(normalized, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: false, considerNormalization: false))
        {
            if (id != _pieces.UnknownId || tokens.Count == 0 || tokens[^1] != id) tokens.Add(id);
        }
        return tokens;
    }
}
