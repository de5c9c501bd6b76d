using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// The byte-pair tokenizer of CLIP models as open_clip applies it: the vocabulary is that of <see cref="ClipTokenizer"/>, the cleaning is <see cref="OpenClipText"/>'s, and
/// what is left is padded with 0.
/// </summary>
public sealed class OpenClipTokenizer : ITextTokenizer
{
    private const int PublicLength = 77;
    private static readonly (string Own, string Vocabulary)[] s_frame = [("<start_of_text>", "<|startoftext|>"), ("<end_of_text>", "<|endoftext|>")];
    private static readonly string[] s_spellings = [.. s_frame.Select(static token => token.Own)];
    private readonly BpeTokenizer _pairs;
    private readonly int[] _frame;

    private OpenClipTokenizer(ClipVocabulary vocabulary, int maxLength, int[] frame)
    {
        (_pairs, _frame, MaxLength) = (vocabulary.ToPairs(unknown: null), frame, maxLength);
        VocabularySize = vocabulary.Ids.Values.Max() + 1;
    }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <summary>Loads the vocabulary of a folder: tokenizer.json, or vocab.json with merges.txt; of the other files only the longest sequence counts, since open_clip reads none.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="warn">Is told keys that no library knows.</param>
    /// <returns>The tokenizer, or <see cref="FaultCodes.BadTokenizer"/> with the file that is absent or malformed.</returns>
    public static Result<OpenClipTokenizer> Load(string folder, Action<Fault>? warn = null) =>
        from vocabulary in ClipVocabulary.Load(folder)
        from options in TokenizerOptions.Load(folder, TokenizerFormats.ClipConfig, warn)
        from begin in Frame(vocabulary, 0)
        from end in Frame(vocabulary, 1)
        select new OpenClipTokenizer(vocabulary, options.MaxLength(PublicLength), [begin, end]);

    /// <inheritdoc/>
    public TokenizedText Encode(string text, int length)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        foreach (var word in ClipText.Words(OpenClipText.Clean(ClipText.WellFormed(text)), s_spellings))
        {
            if (Array.IndexOf(s_spellings, word) is >= 0 and var framing) tokens.Add(_frame[framing]);
            else tokens.AddRange(_pairs.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false));
        }
        return TokenizedText.Frame(tokens, length, (_frame[0], _frame[1], 0), default);
    }

    // A vocabulary spells the two tokens as transformers does, or as open_clip does.
    private static Result<int> Frame(ClipVocabulary vocabulary, int which) =>
        vocabulary.Ids.TryGetValue(s_frame[which].Vocabulary, out var id) || vocabulary.Ids.TryGetValue(s_frame[which].Own, out id)
            ? id
            : TokenizerFile.Bad(vocabulary.Path, $"the vocabulary lacks the special token '{s_frame[which].Vocabulary}'");
}
