using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.Sd3;

/// <summary>The architectures of every network in a pipeline.</summary>
internal sealed record Sd3Configs
{
    public required Sd3Config Transformer { get; init; }

    public required VaeConfig Vae { get; init; }

    /// <summary><c>text_encoder</c>.</summary>
    public required ClipTextConfig ClipL { get; init; }

    /// <summary><c>text_encoder_2</c>.</summary>
    public required ClipTextConfig ClipG { get; init; }

    /// <summary><c>text_encoder_3</c>, which a pipeline may lack.</summary>
    public required T5Config? T5 { get; init; }

    /// <summary>How pictures become tokens; they are as large at most as the position table.</summary>
    public PictureGrid Grid => new(Vae.SpatialFactor, Transformer.PatchSize, Transformer.InChannels) { LargestEdge = Transformer.PositionTableSize };

    public static Result<Sd3Configs> Read(PipelineFolder folder, Action<Fault>? warn = null) =>
        from transformer in Sd3Config.Read(folder.Config("transformer"), warn)
        from vae in folder.ReadVae(warn)
        from clipL in folder.ReadClipText("text_encoder", warn)
        from clipG in folder.ReadClipText("text_encoder_2", warn)
        from t5 in folder.HasT5 ? T5Config.Read(folder.Config("text_encoder_3"), warn).Map(static config => (T5Config?)config) : Result.Ok<T5Config?>(null)
        from configs in Check(new Sd3Configs { Transformer = transformer, Vae = vae, ClipL = clipL, ClipG = clipG, T5 = t5 }, folder)
        select configs;

    private static Result<Sd3Configs> Check(Sd3Configs configs, PipelineFolder folder)
    {
        var transformer = configs.Transformer;
        var pooled = configs.ClipL.Projection + configs.ClipG.Projection;
        (bool Fits, string Message)[] relations =
        [
            (pooled == transformer.PooledWidth, $"the two CLIP encoders pool to {pooled} features together, but the transformer takes {transformer.PooledWidth}"),
            (configs.T5 is null || configs.T5.Width == transformer.ContextWidth, $"T5 is {configs.T5?.Width} wide, but the transformer takes {transformer.ContextWidth}"),
            (configs.ClipL.Transformer.Width + configs.ClipG.Transformer.Width <= transformer.ContextWidth, $"the two CLIP encoders are wider together than the {transformer.ContextWidth} the transformer takes"),
            (configs.Vae.LatentChannels == transformer.InChannels, $"the autoencoder has {configs.Vae.LatentChannels} latent channels, but the transformer takes {transformer.InChannels}"),
        ];
        foreach (var (fits, message) in relations)
        {
            if (!fits) return new Fault.Input(FaultCodes.WrongModelClass, message, new SourcePlace(folder.Folder));
        }
        return configs;
    }
}
