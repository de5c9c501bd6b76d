using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Networks.Clip;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>
/// How well a picture fits its caption under a frozen CLIP model: the cosine of their features, or a multiple of it. <c>clip</c>, <c>clip-score</c>, <c>pickscore</c> and
/// <c>hps</c> differ in what is done to pictures and captions before, and to the cosine after; rewards of the same folder share its weights.
/// </summary>
public sealed class ClipReward : IDifferentiableReward, IDisposable
{
    private readonly ClipNetwork _network;
    private readonly ClipImageProcessor _pictures;
    private readonly Func<string, long[]> _tokenize;
    private readonly ClipForm _form;
    private readonly FeatureCache _cache;
    private readonly FeatureFolder? _kept;
    private readonly Tensor? _scale;

    /// <summary>Scores with a network that has its weights already, and that others dispose.</summary>
    internal ClipReward(ClipNetwork network, ClipImageProcessor pictures, Func<string, long[]> tokenize, ClipForm form, int textCache, FeatureFolder? kept = null)
    {
        (_network, _pictures, _tokenize, _form, _kept) = (network, pictures, tokenize, form, kept);
        _cache = new FeatureCache(textCache, network.Config.Text.Projection!.Value, network.Device);
        using var _ = no_grad();
        if (form.TimesModelScale) _scale = network.Model.LogitScale().DetachFromDisposeScope();
    }

    /// <summary>Loads <c>clip</c>: the cosine, or the model's logit.</summary>
    /// <returns>A fault when the folder is not a CLIP model, or a file of it is absent or damaged.</returns>
    public static Result<ClipReward> Load(ClipSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Load(settings.Model, context, settings, new ClipForm { TimesModelScale = settings.Scale == ClipScale.Logit });
    }

    /// <summary>Loads <c>clip-score</c>: a hundred times the cosine.</summary>
    /// <inheritdoc cref="Load(ClipSettings, PartContext)"/>
    public static Result<ClipReward> Load(ClipScoreSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Load(settings.Model, context, settings, new ClipForm { Factor = 100, ClipsAtZero = settings.ClipAtZero }, pictures: pictures => pictures.ResizedBy(settings.Resize));
    }

    /// <summary>Loads <c>pickscore</c> (arXiv:2305.01569): the model's logit, without a softmax over pictures.</summary>
    /// <inheritdoc cref="Load(ClipSettings, PartContext)"/>
    public static Result<ClipReward> Load(PickScoreSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Load(settings.Model, context, settings, new ClipForm { TimesModelScale = true }, pictures: pictures => pictures.ResizedBy(settings.Resize));
    }

    /// <summary>
    /// Loads <c>hps</c> (arXiv:2306.09341): the cosine; pictures are made to fit by their longer side with black beside them, and captions cleaned as open_clip does, whatever
    /// else the folder says: so the published code does it.
    /// </summary>
    /// <inheritdoc cref="Load(ClipSettings, PartContext)"/>
    public static Result<ClipReward> Load(HpsSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Load(settings.Model, context, settings, new ClipForm(), asOpenClip: true, static pictures => pictures with { Size = pictures.Crop, Fit = PictureFit.Contain });
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
        var text = TextFeatures(prompts);
        var cosine = (_network.ImageFeatures(_pictures.Prepare(images)) * text).sum(-1);
        return _form.Score(cosine, _scale).to(images.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale?.Dispose();
        _cache.Dispose();
    }

    private static Result<ClipReward> Load(
        string model, PartContext context, CaptionSettings text, ClipForm form, bool asOpenClip = false, Func<ClipImageProcessor, ClipImageProcessor>? pictures = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        return
            from folder in ClipFolder.Read(context.Resolve(model), context)
            from captions in folder.Captions(asOpenClip || folder.IsOpenClip, context.Warn)
            from kept in text.TextFolder is { } place ? FeatureFolder.Open(context.Resolve(place), folder, context).Map(static kept => (FeatureFolder?)kept) : Result.Ok<FeatureFolder?>(null)
            from network in ClipNetwork.Open(folder, context)
            select new ClipReward(network, pictures?.Invoke(folder.Pictures) ?? folder.Pictures, captions.Ids, form, text.TextCache, kept);
    }

    /// <summary>[B, features], fp32, without gradient.</summary>
    internal Tensor TextFeatures(IReadOnlyList<Prompt> prompts)
    {
        using var _ = no_grad();
        return stack([.. prompts.Select(prompt => _cache.Get(prompt.Text, Encode))]);
    }

    /// <summary>
    /// One caption at a time, at the full length: in a batch its features could differ in the last bit with its neighbours, and a run that resumes with an
    /// empty cache would not repeat the run that was not interrupted.
    /// </summary>
    private Tensor Encode(string caption)
    {
        using var scope = NewDisposeScope();
        var ids = _tokenize(caption);
        if (_kept?.Find(ids) is { } known) return tensor(known, device: _network.Device).MoveToOuterDisposeScope();
        var features = _network.Model.TextFeatures(tensor(ids, device: _network.Device).unsqueeze(0)).to(ScalarType.Float32).squeeze(0);
        _kept?.Keep(ids, features.cpu().data<float>().ToArray());
        return features.MoveToOuterDisposeScope();
    }
}
