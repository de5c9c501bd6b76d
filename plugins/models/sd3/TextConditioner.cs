using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>The three tokenizers of a pipeline.</summary>
/// <param name="ClipL">Of <c>text_encoder</c>.</param>
/// <param name="ClipG">Of <c>text_encoder_2</c>.</param>
/// <param name="T5">Of <c>text_encoder_3</c>.</param>
/// <param name="T5Length">Tokens of T5, also where zeros stand in for it.</param>
internal sealed record TextTokenizers(Tokenize ClipL, Tokenize ClipG, Tokenize T5, int T5Length)
{
    /// <summary>Tokens of both CLIP encoders.</summary>
    public required int ClipLength { get; init; }

    /// <summary>Opens those of a folder. CLIP's second one is never the one to warn of a caption that is cut, and its first one only where there is no T5, which reads more.</summary>
    public static Result<TextTokenizers> Load(PipelineFolder folder, Sd3Configs configs, int textLength, PartContext context) =>
        from clipL in ClipTokenizer.Load(folder.Component("tokenizer"), context.Warn)
        from clipG in ClipTokenizer.Load(folder.Component("tokenizer_2"), context.Warn)
        from t5 in folder.HasT5 ? T5Tokenizer.Load(folder.Component("tokenizer_3"), context.Warn).Map(static tokenizer => (ITextTokenizer?)tokenizer) : Result.Ok<ITextTokenizer?>(null)
        from clipLength in CaptionTokenizer.ClipLength(folder, clipL, ("text_encoder", configs.ClipL.Positions), ("text_encoder_2", configs.ClipG.Positions))
        let length = Math.Min(textLength, t5?.MaxLength ?? textLength)
        select new TextTokenizers(
            new CaptionTokenizer { Tokenizer = clipL, Encoder = "text_encoder", Rows = configs.ClipL.Vocabulary, Length = clipLength, Warns = t5 is null ? context : null }.Ids,
            new CaptionTokenizer { Tokenizer = clipG, Encoder = "text_encoder_2", Rows = configs.ClipG.Vocabulary, Length = clipLength }.Ids,
            t5 is null ? static _ => throw new InvalidOperationException("there is no T5") : new CaptionTokenizer { Tokenizer = t5, Encoder = "text_encoder_3", Rows = configs.T5!.Vocabulary, Length = length, Warns = context }.Ids,
            length)
        {
            ClipLength = clipLength,
        };
}

/// <summary>
/// Captions to conditioning, as diffusers' pipeline does it: the penultimate states of both CLIP encoders side by side, padded with zeros to the width
/// of T5's states, which follow as further tokens; the pooled states of both CLIP encoders side by side.
/// </summary>
internal sealed class TextConditioner(Sd3Networks networks, TextTokenizers tokenizers, PipelineHomes homes)
{
    /// <summary>Tokens of T5.</summary>
    public int Length => tokenizers.T5Length;

    /// <summary>Tokens of the context: CLIP's, then T5's.</summary>
    public int Tokens => tokenizers.ClipLength + Length;

    /// <summary>Where the networks of the pipeline live.</summary>
    public PipelineHomes Homes => homes;

    /// <summary>Where conditioning goes.</summary>
    public Device Device => homes.Run;

    /// <summary>Encodes a batch without gradient, in fp32 on the device of the run.</summary>
    public TextEmbedding Encode(IReadOnlyList<string> captions)
    {
        networks.RequireTextFiles();
        var device = homes.Text.Device;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var l = networks.ClipL.Forward(tokenizers.ClipL(captions).to(device));
        var g = networks.ClipG.Forward(tokenizers.ClipG(captions).to(device));
        var clip = cat([l.Penultimate, g.Penultimate], -1).to(ScalarType.Float32);
        var width = networks.Configs.Transformer.ContextWidth;
        var padded = nn.functional.pad(clip, [0, width - clip.shape[2]]);
        var context = cat([padded, T5States(captions, width, device)], 1);
        return new TextEmbedding(context.to(homes.Run), cat([l.Pooled, g.Pooled], -1).to(ScalarType.Float32).to(homes.Run));
    }

    private Tensor T5States(IReadOnlyList<string> captions, long width, Device device) =>
        networks.T5?.Forward(tokenizers.T5(captions).to(device)).to(ScalarType.Float32)
        ?? zeros([captions.Count, tokenizers.T5Length, width], dtype: ScalarType.Float32, device: device);
}
