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
    private readonly BertTokenizer _tokenizer;
    private readonly ClipImageProcessor _pictures;
    private readonly ImageRewardSettings _settings;
    private readonly PartContext _context;
    private readonly HashSet<string> _cut = [];

    private BlipReward((BlipNetwork Network, LinearChain Head) model, BertTokenizer tokenizer, ClipImageProcessor pictures, ImageRewardSettings settings, PartContext context) =>
        (_network, _head, _tokenizer, _pictures, _settings, _context) = (model.Network, model.Head, tokenizer, pictures, settings, context);

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
            from fits in Fits(folder, settings, config, tokenizer, context.Name)
            from model in BlipNetwork.Open(folder, config, context)
            select new BlipReward(model, tokenizer, PicturesOf(config, settings), settings, context);
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
        long[][] texts = [.. prompts.Select(prompt => Ids(prompt.Text))];
        Tensor Rows(IEnumerable<long> numbers) => tensor([.. numbers], device: images.device).view(prompts.Count, _settings.TextLength);
        // What is after the last end is padding; a caption may spell [PAD] itself.
        var mask = Rows(texts.SelectMany(ids => Enumerable.Range(0, ids.Length).Select(place => place <= Array.LastIndexOf(ids, _tokenizer.End) ? 1L : 0L)));
        var first = _network.Read(Rows(texts.SelectMany(static ids => ids)), mask, _network.Tokens(_pictures.Prepare(images)));
        return ((_head.Forward(first) - Mean) / Deviation).to(images.dtype).MoveToOuterDisposeScope();
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

    private static Result<Unit> Fits(string folder, ImageRewardSettings settings, BlipConfig config, BertTokenizer tokenizer, string name)
    {
        if (settings.TextLength > config.Positions)
            return new Fault.Configuration(FaultCodes.OutOfRange, $"reward '{name}': textLength is {settings.TextLength}, but the model has only {config.Positions} positions");
        return tokenizer.VocabularySize <= config.Vocabulary
            ? Unit.Value
            : new Fault.Input(FaultCodes.BadTokenizer, $"the tokenizer has {tokenizer.VocabularySize} tokens, but the model only {config.Vocabulary}", new SourcePlace(folder));
    }

    private long[] Ids(string caption)
    {
        var tokens = _tokenizer.Encode(caption, _settings.TextLength);
        if (tokens.WasCut && _cut.Add(caption))
        {
            var beginning = caption.Length <= 60 ? caption : $"{caption[..60]}…";
            _context.Warn(new Fault.Input(FaultCodes.CaptionCut, $"the caption '{beginning}' has more than the {_settings.TextLength} tokens that the reward takes and was cut", new SourcePlace(_context.Resolve(_settings.Model))));
        }
        return tokens.Ids;
    }
}
