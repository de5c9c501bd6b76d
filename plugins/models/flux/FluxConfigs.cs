using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.Flux;

/// <summary>The architectures of every network in a pipeline.</summary>
internal sealed record FluxConfigs
{
    private const int PublishedTextLength = 512;
    private const int PublishedTextLengthWithoutGuidance = 256;

    public required FluxConfig Transformer { get; init; }

    public required VaeConfig Vae { get; init; }

    /// <summary><c>text_encoder</c>.</summary>
    public required ClipTextConfig Clip { get; init; }

    /// <summary><c>text_encoder_2</c>.</summary>
    public required T5Config T5 { get; init; }

    /// <summary>The tokens of T5 that the model was published with.</summary>
    public int TextLength => Transformer.EmbedsGuidance ? PublishedTextLength : PublishedTextLengthWithoutGuidance;

    /// <summary>How pictures become tokens; positions have no end.</summary>
    public PictureGrid Grid => new(Vae.SpatialFactor, FluxTokens.Patch, Vae.LatentChannels);

    public static Result<FluxConfigs> Read(PipelineFolder folder, Action<Fault>? warn = null) =>
        from transformer in FluxConfig.Read(folder.Config("transformer"), warn)
        from vae in folder.ReadVae(warn)
        from clip in folder.ReadClipText("text_encoder", warn)
        from t5 in T5Config.Read(folder.Config("text_encoder_2"), warn)
        from configs in Check(new FluxConfigs { Transformer = transformer, Vae = vae, Clip = clip, T5 = t5 }, folder)
        select configs;

    private static Result<FluxConfigs> Check(FluxConfigs configs, PipelineFolder folder)
    {
        var (transformer, tokens) = (configs.Transformer, configs.Vae.LatentChannels * FluxTokens.Patch * FluxTokens.Patch);
        var made = $"the {configs.Vae.LatentChannels} latent channels of the autoencoder make tokens of {tokens} values, but the transformer";
        (bool Fits, string Key, string Message)[] relations =
        [
            (transformer.InChannels == tokens, "in_channels", $"{made} takes {transformer.InChannels}{(transformer.InChannels > tokens ? ": models that take a picture beside the latents (FLUX.1-Fill, -Canny, -Depth) are not supported" : "")}"),
            (transformer.OutChannels == tokens, "out_channels", $"{made} gives {transformer.OutChannels}"),
            (transformer.PooledWidth == configs.Clip.Transformer.Width, "pooled_projection_dim", $"the CLIP encoder pools to {configs.Clip.Transformer.Width} features, but the transformer takes {transformer.PooledWidth}"),
            (transformer.ContextWidth == configs.T5.Width, "joint_attention_dim", $"T5 is {configs.T5.Width} wide, but the transformer takes {transformer.ContextWidth}"),
        ];
        foreach (var (fits, key, message) in relations)
        {
            if (!fits) return new Fault.Input(FaultCodes.WrongModelClass, message, new SourcePlace(folder.Config("transformer"), Key: key));
        }
        return configs;
    }
}
