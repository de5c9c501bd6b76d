using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>Captions to token ids of a fixed length, one row for each caption.</summary>
/// <param name="captions">The captions.</param>
/// <returns>[B, T] int64, on the CPU.</returns>
public delegate Tensor Tokenize(IReadOnlyList<string> captions);

/// <summary>A tokenizer of a pipeline and the encoder that reads its ids. A caption that is longer than they take is cut, with a warning.</summary>
public sealed class CaptionTokenizer
{
    /// <summary>The tokenizer.</summary>
    public required ITextTokenizer Tokenizer { get; init; }

    /// <summary>The component that reads the ids, for messages.</summary>
    public required string Encoder { get; init; }

    /// <summary>The rows of the encoder's token table.</summary>
    public required int Rows { get; init; }

    /// <summary>How many ids a caption has.</summary>
    public required int Length { get; init; }

    /// <summary>The part that warns of captions that are cut; null where another encoder reads more of a caption and warns.</summary>
    public PartContext? Warns { get; init; }

    /// <summary>The ids of captions.</summary>
    /// <param name="captions">The captions.</param>
    /// <returns>[B, T] int64, on the CPU.</returns>
    /// <exception cref="FaultException"><see cref="FaultCodes.BadTokenizer"/>: a caption holds a token that the encoder has no row for.</exception>
    public Tensor Ids(IReadOnlyList<string> captions)
    {
        ArgumentNullException.ThrowIfNull(captions);
        var ids = new long[captions.Count * Length];
        for (var i = 0; i < captions.Count; i++)
        {
            var text = Tokenizer.Encode(captions[i], Length);
            RequireRows(captions[i], text.Ids.Max(), Encoder, Rows);
            text.Ids.CopyTo(ids, i * Length);
            if (text.WasCut) WarnOfCut(Warns, captions[i], Length);
        }
        return tensor(ids, [captions.Count, Length]);
    }

    /// <summary>
    /// How many ids a caption has for the CLIP encoders of a pipeline: what the component <c>tokenizer</c> cuts to, which counts for all of them, as in diffusers.
    /// </summary>
    /// <param name="folder">The pipeline.</param>
    /// <param name="tokenizer">The component <c>tokenizer</c>.</param>
    /// <param name="encoders">The CLIP encoders, with the rows of their position tables.</param>
    /// <returns><see cref="FaultCodes.BadTokenizer"/> when an encoder has fewer positions.</returns>
    public static Result<int> ClipLength(PipelineFolder folder, ITextTokenizer tokenizer, params IReadOnlyList<(string Name, int Positions)> encoders)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(encoders);
        foreach (var (name, positions) in encoders)
        {
            if (tokenizer.MaxLength <= positions) continue;
            var message = $"the tokenizer cuts texts to {tokenizer.MaxLength} tokens, but '{name}' has only {positions} positions";
            return new Fault.Input(FaultCodes.BadTokenizer, message, new SourcePlace(Path.Combine(folder.Component("tokenizer"), "tokenizer_config.json"), Key: "model_max_length"));
        }
        return tokenizer.MaxLength;
    }

    /// <summary>Requires that the encoder has a row for the largest id of a caption.</summary>
    internal static void RequireRows(string caption, long largest, string encoder, int rows)
    {
        if (largest >= rows) throw new FaultException(new Fault.Input(FaultCodes.BadTokenizer, $"the caption '{Beginning(caption)}' holds a token with the id {largest}, but '{encoder}' knows only {rows} tokens"));
    }

    /// <summary>Warns of a caption that was cut.</summary>
    internal static void WarnOfCut(PartContext? context, string caption, int length) =>
        context?.Warn(new Fault.Input(FaultCodes.CaptionCut, $"the caption '{Beginning(caption)}' is longer than the {length} tokens that '{context.Name}' takes and was cut"));

    // A caption that is cut is a long one, and a warning is a line.
    private static string Beginning(string caption)
    {
        const int longest = 60;
        if (caption.Length <= longest) return caption;
        return $"{caption[..(char.IsHighSurrogate(caption[longest - 1]) ? longest - 1 : longest)]}…";
    }
}
