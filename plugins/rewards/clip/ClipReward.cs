using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>How well a picture fits its caption: the cosine of their features under a frozen CLIP model.</summary>
public sealed class ClipReward : IDifferentiableReward, IDisposable
{
    private readonly ClipNetwork _network;
    private readonly Func<string, long[]> _tokenize;
    private readonly FeatureCache _cache;
    private readonly Tensor? _scale;

    private readonly bool _shares;

    /// <summary>Scores with a network that has its weights already; it is disposed with the reward unless others use it, too.</summary>
    internal ClipReward(ClipNetwork network, Func<string, long[]> tokenize, ClipSettings settings, bool shares = false)
    {
        _shares = shares;
        _network = network;
        _tokenize = tokenize;
        _cache = new FeatureCache(settings.TextCache, network.Config.Text.Projection!.Value, network.Device);
        using var _ = no_grad();
        if (settings.Scale == ClipScale.Logit) _scale = network.Model.LogitScale().DetachFromDisposeScope();
    }

    /// <summary>Loads the model of the settings to the device of the run, in its compute type; rewards of the same model share its weights.</summary>
    /// <returns>A fault when the folder is not a CLIP model, or a file of it is absent or damaged.</returns>
    public static Result<ClipReward> Load(ClipSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        var folder = context.Resolve(settings.Model);
        return context.Shared.Get($"{folder} {context.Device} {context.ComputeType}", () => ClipNetwork.Open(folder, context))
            .Map(network => new ClipReward(network, network.Captions!.Ids, settings, shares: true));
    }

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        using var scope = NewDisposeScope();
        var text = TextFeatures(prompts);
        var cosine = (_network.ImageFeatures(images) * text).sum(-1);
        var score = _scale is null ? cosine : cosine * _scale;
        return score.to(images.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale?.Dispose();
        _cache.Dispose();
        if (!_shares) _network.Dispose();
    }

    /// <summary>[B, features], fp32, without gradient.</summary>
    private Tensor TextFeatures(IReadOnlyList<Prompt> prompts)
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
        var ids = tensor(_tokenize(caption), device: _network.Device).unsqueeze(0);
        return _network.Model.TextFeatures(ids).to(ScalarType.Float32).squeeze(0).MoveToOuterDisposeScope();
    }
}
