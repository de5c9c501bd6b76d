using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Pipeline;

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

    public static Result<Sd3Configs> Read(ModelIndex index, Action<Fault>? warn = null) =>
        from transformer in Sd3Config.Read(Path.Combine(index.Component("transformer"), "config.json"), warn)
        from vae in VaeConfig.Read(Path.Combine(index.Component("vae"), "config.json"), warn)
        from clipL in ClipTextConfig.Read(Path.Combine(index.Component("text_encoder"), "config.json"), warn)
        from clipG in ClipTextConfig.Read(Path.Combine(index.Component("text_encoder_2"), "config.json"), warn)
        from t5 in index.HasT5 ? T5Config.Read(Path.Combine(index.Component("text_encoder_3"), "config.json"), warn).Map(static config => (T5Config?)config) : Result.Ok<T5Config?>(null)
        from configs in Check(new Sd3Configs { Transformer = transformer, Vae = vae, ClipL = clipL, ClipG = clipG, T5 = t5 }, index)
        select configs;

    private static Result<Sd3Configs> Check(Sd3Configs configs, ModelIndex index)
    {
        foreach (var (part, encoder) in ((string, ClipTextConfig)[])[("text_encoder", configs.ClipL), ("text_encoder_2", configs.ClipG)])
        {
            if (encoder.Projection is not null) continue;
            const string message = "this is a CLIPTextModel, which has no projection, but the transformer takes projected features: it has to be a CLIPTextModelWithProjection";
            return new Fault.Input(FaultCodes.WrongModelClass, message, new SourcePlace(Path.Combine(index.Component(part), "config.json"), Key: "architectures"));
        }
        if (!configs.Vae.HasShift)
        {
            const string message = "is null or absent, so that StableDiffusion3Pipeline could draw neither with this folder nor with what is exported; it has to be a number, 0 for none";
            return new Fault.Input(FaultCodes.WrongModelClass, message, new SourcePlace(Path.Combine(index.Component("vae"), "config.json"), Key: "shift_factor"));
        }
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
            if (!fits) return new Fault.Input(FaultCodes.WrongModelClass, message, new SourcePlace(index.Folder));
        }
        return configs;
    }
}
