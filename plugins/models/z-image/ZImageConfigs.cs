using LeapAlign.Networks.Qwen3;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.ZImage;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.ZImage;

/// <summary>The architectures of every network in a pipeline.</summary>
internal sealed record ZImageConfigs
{
    private const int PublishedTextLength = 512;

    public required ZImageConfig Transformer { get; init; }

    public required VaeConfig Vae { get; init; }

    /// <summary><c>text_encoder</c>.</summary>
    public required Qwen3Config Text { get; init; }

    /// <summary>How pictures become tokens.</summary>
    public PictureGrid Grid => new(Vae.SpatialFactor, ZImageTokens.Patch, Vae.LatentChannels) { LargestEdge = Math.Min(Transformer.Places[1], Transformer.Places[2]) };

    /// <summary>The most tokens of a caption that the network has places for: captions are filled up, and the picture has the place behind them.</summary>
    private int MostText => (Transformer.Places[0] - 2) / ZImageTokens.Filled(1) * ZImageTokens.Filled(1);

    public static Result<ZImageConfigs> Read(PipelineFolder folder, Action<Fault>? warn = null) =>
        from transformer in ZImageConfig.Read(folder.Config("transformer"), warn)
        from vae in folder.ReadVae(warn)
        from text in Qwen3Config.Read(folder.Config("text_encoder"), warn)
        from configs in Check(new ZImageConfigs { Transformer = transformer, Vae = vae, Text = text }, folder)
        select configs;

    /// <summary>Tokens of a caption.</summary>
    /// <param name="asked">What settings ask for; null for what the model was published with, or as many as it has places for.</param>
    /// <param name="folder">The pipeline, for messages.</param>
    public Result<int> TextLength(int? asked, PipelineFolder folder) => asked is not { } length
        ? Math.Min(PublishedTextLength, MostText)
        : length <= MostText ? length : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"textLength is {length}, but the network of '{folder.Folder}' has places for {MostText} tokens of a caption (axes_lens of its transformer)");

    private static Result<ZImageConfigs> Check(ZImageConfigs configs, PipelineFolder folder)
    {
        var transformer = configs.Transformer;
        (bool Fits, string Key, string Message)[] relations =
        [
            (transformer.Channels == configs.Vae.LatentChannels, "in_channels", $"the autoencoder has {configs.Vae.LatentChannels} latent channels, but the transformer takes {transformer.Channels}"),
            (transformer.CaptionWidth == configs.Text.Width, "cap_feat_dim", $"the text encoder is {configs.Text.Width} wide, but the transformer takes {transformer.CaptionWidth}"),
            (configs.MostText > 0, "axes_lens", $"the network has {transformer.Places[0]} places for caption and picture, which is less than the shortest caption takes"),
        ];
        foreach (var (fits, key, message) in relations)
        {
            if (!fits) return new Fault.Input(FaultCodes.WrongModelClass, message, new SourcePlace(folder.Config("transformer"), Key: key));
        }
        return configs;
    }
}
