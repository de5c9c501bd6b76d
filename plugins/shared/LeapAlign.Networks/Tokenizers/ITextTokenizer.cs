namespace LeapAlign.Networks.Tokenizers;

/// <summary>Turns captions into the token ids that a text encoder reads. Safe to use from several threads.</summary>
public interface ITextTokenizer
{
    /// <summary>The longest sequence that the model was made for, end tokens included.</summary>
    int MaxLength { get; }

    /// <summary>One more than the largest id: the rows that the encoder's embedding has to have at least.</summary>
    int VocabularySize { get; }

    /// <summary>Whether padding comes before a text.</summary>
    bool PadsLeft => false;

    /// <summary>Encodes a text. Every string is accepted; unpaired surrogates count as U+FFFD.</summary>
    /// <param name="text">The caption.</param>
    /// <param name="length">How many ids to return, at least two.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is below two.</exception>
    TokenizedText Encode(string text, int length);
}
