using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.Flux;

/// <summary>The two tokenizers of a pipeline.</summary>
/// <param name="Clip">Of <c>text_encoder</c>.</param>
/// <param name="T5">Of <c>text_encoder_2</c>.</param>
/// <param name="T5Length">Tokens of T5.</param>
internal sealed record TextTokenizers(Tokenize Clip, Tokenize T5, int T5Length)
{
    /// <summary>Opens those of a folder. T5 reads more of a caption than CLIP and warns of one that is cut.</summary>
    public static Result<TextTokenizers> Load(PipelineFolder folder, FluxConfigs configs, int textLength, PartContext context) =>
        from clip in ClipTokenizer.Load(folder.Component("tokenizer"), context.Warn)
        from t5 in T5Tokenizer.Load(folder.Component("tokenizer_2"), context.Warn)
        from clipLength in CaptionTokenizer.ClipLength(folder, clip, ("text_encoder", configs.Clip.Positions))
        let length = Math.Min(textLength, t5.MaxLength)
        select new TextTokenizers(
            new CaptionTokenizer { Tokenizer = clip, Encoder = "text_encoder", Rows = configs.Clip.Vocabulary, Length = clipLength }.Ids,
            new CaptionTokenizer { Tokenizer = t5, Encoder = "text_encoder_2", Rows = configs.T5.Vocabulary, Length = length, Warns = context }.Ids,
            length);
}

/// <summary>Captions to conditioning, as diffusers' <c>FluxPipeline</c> does it: the states of T5, padding included, and the pooled state of CLIP, without projection.</summary>
internal sealed class TextConditioner(FluxNetworks networks, TextTokenizers tokenizers, PipelineHomes homes)
{
    /// <summary>Tokens of T5.</summary>
    public int Length => tokenizers.T5Length;

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
        var pooled = networks.Clip.Forward(tokenizers.Clip(captions).to(device)).Pooled;
        var context = networks.T5.Forward(tokenizers.T5(captions).to(device));
        return new TextEmbedding(context.to(ScalarType.Float32).to(homes.Run), pooled.to(ScalarType.Float32).to(homes.Run));
    }
}

/// <summary>The embeddings of a batch of captions, and the guidance scale that the network takes with them.</summary>
/// <param name="captions">It owns them.</param>
/// <param name="guidance">The scale; null where the network takes none.</param>
internal sealed class FluxConditioning(TextEmbedding captions, double? guidance) : Conditioning
{
    public TextEmbedding Captions { get; } = captions;

    public double? Guidance { get; } = guidance;

    public override int BatchSize => (int)Captions.Pooled.shape[0];

    public override int EvaluationsPerVelocity => 1;

    public override long? Tokens => Captions.Context.shape[0] * Captions.Context.shape[1];

    protected override void Dispose(bool disposing)
    {
        if (disposing) Captions.Dispose();
    }
}
