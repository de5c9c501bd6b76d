using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Networks.Blip;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.ImageReward;

/// <summary>
/// ImageReward (arXiv:2304.05977): a BLIP text tower reads the caption beside the picture, and a linear head scores its first token. Scores are normalised as published, mean
/// 0 and deviation 1 over the authors' pictures.
/// </summary>
public sealed class BlipReward : IDifferentiableReward, IDisposable
{
    private const double Mean = 0.16717362830052426;
    private const double Deviation = 1.0333394966054072;
    private readonly BlipNetwork _network;
    private readonly LinearChain _head;
    private readonly CaptionIds _captions;
    private readonly long _end;
    private readonly ClipImageProcessor _pictures;

    private BlipReward((BlipNetwork Network, LinearChain Head) model, CaptionIds captions, long end, ClipImageProcessor pictures) =>
        (_network, _head, _captions, _end, _pictures) = (model.Network, model.Head, captions, end, pictures);

    /// <summary>Loads the model of the settings to the device of the run, in its compute type.</summary>
    /// <returns>A fault when the folder is not ImageReward's, or a file of it is absent, damaged or pickled.</returns>
    public static Result<BlipReward> Load(ImageRewardSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        var folder = context.Resolve(settings.Model);
        if (!Directory.Exists(folder)) return new Fault.Input(FaultCodes.ModelNotFound, "there is no such model folder", new SourcePlace(folder));
        return
            from config in BlipConfig.Read(folder, context.Warn)
            from tokenizer in BertTokenizer.Load(folder, context.Warn)
            from captions in Captions(folder, settings, config, tokenizer, context)
            from model in BlipNetwork.Open(folder, config, context)
            select new BlipReward(model, captions, tokenizer.End, PicturesOf(config, settings));
    }

    /// <summary>What is done to pictures before the network looks at them.</summary>
    internal ClipImageProcessor Pictures => _pictures;

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        using var scope = NewDisposeScope();
        long[][] texts = [.. prompts.Select(prompt => _captions.Ids(prompt.Text))];
        var first = _network.Read(Rows(texts), Rows([.. texts.Select(Mask)]), _network.Tokens(_pictures.Prepare(images)));
        return ((_head.Forward(first) - Mean) / Deviation).to(images.dtype).MoveToOuterDisposeScope();

        Tensor Rows(long[][] rows) => tensor([.. rows.SelectMany(static row => row)], device: images.device).view(rows.Length, rows[0].Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _head.Dispose();
        _network.Dispose();
    }

    /// <summary>What is done to pictures: as torchvision does, with CLIP's colours.</summary>
    internal static ClipImageProcessor PicturesOf(BlipConfig config, ImageRewardSettings settings) =>
        (ClipImageProcessor.Published(config.ImageSize) with { CutsAtEven = true }).ResizedBy(settings.Resize);

    // What is after the last end is padding; a caption may spell [PAD] itself.
    private long[] Mask(long[] ids)
    {
        var last = Array.LastIndexOf(ids, _end);
        return [.. ids.Select((_, place) => place <= last ? 1L : 0L)];
    }

    private static Result<CaptionIds> Captions(string folder, ImageRewardSettings settings, BlipConfig config, BertTokenizer tokenizer, PartContext context) => settings.TextLength > config.Positions
        ? new Fault.Configuration(FaultCodes.OutOfRange, $"reward '{context.Name}': textLength is {settings.TextLength}, but the model has only {config.Positions} positions")
        : CaptionIds.Of(tokenizer, config.Vocabulary, settings.TextLength, folder, "the reward", context.Warn);
}
