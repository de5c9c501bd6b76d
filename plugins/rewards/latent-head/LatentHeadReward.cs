using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.LatentHead;

/// <summary>A head on hidden states of the model's network, which are those of the weights that training started from: what the reward says of latents does not change while the model does.</summary>
/// <param name="settings">The file, and how one is fitted.</param>
/// <param name="context">Where tensors live.</param>
public sealed class LatentHeadReward(LatentHeadSettings settings, PartContext context) : IDifferentiableLatentReward, IFittedReward, IDisposable
{
    private const int DefaultWidth = 64;
    private const int ShownDigits = 12;
    private HeadFile? _says;
    private Head? _head;
    private IFeatures? _features;

    /// <inheritdoc/>
    public string File { get; } = context.Resolve(settings.Head);

    /// <inheritdoc/>
    /// <returns>LA4022 for a file that is no head, LA5030 for one of another model or of other features.</returns>
    public Result<Unit> Attach(IModel model) =>
        from features in Features(model)
        from read in HeadFile.Read(File, context.Device)
        from fits in Fits(read.Says, features).Match(Result.Ok, fault => Refused(read.Head, fault))
        select Take(read.Says, read.Head, features);

    /// <inheritdoc/>
    /// <exception cref="FaultException">LA5030: a noise level that the head was not fitted at.</exception>
    public Tensor Score(LatentSamples samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (_says is null || _head is null || _features is null) throw new InvalidOperationException("the reward is not attached to a model");
        if (samples.Sigmas.Where(sigma => sigma < _says.LowestSigma || sigma > _says.HighestSigma).Select(static sigma => (double?)sigma).FirstOrDefault() is { } outside)
            throw new FaultException(Other(FormattableString.Invariant($"the head was fitted at noise levels from {_says.LowestSigma} to {_says.HighestSigma}, but is asked at {outside}")));
        using var scope = NewDisposeScope();
        var score = _head.Forward(Numbers(_features, samples), samples.Sigmas);
        return ((score * _says.Scale) + _says.Offset).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Result<IRewardFit> BeginFit(IModel model, FitTargets targets)
    {
        ArgumentNullException.ThrowIfNull(targets);
        return from features in Features(model)
               let blocks = settings.Blocks ?? Math.Max(1, features.Blocks / 3)
               from there in blocks <= features.Blocks ? Unit.Value : Result.Fail<Unit>(Other($"the head is to look after block {blocks}, but the model has {features.Blocks}"))
               from content in features.FeatureContent()
               let says = new HeadFile
               {
                   Model = content,
                   Blocks = blocks,
                   Shape = new HeadShape(features.FeatureWidth, features.CaptionWidth, settings.Width ?? DefaultWidth),
                   LowestSigma = targets.LowestSigma,
                   HighestSigma = targets.HighestSigma,
                   Source = targets.Source,
                   Offset = targets.Offset,
                   Scale = targets.Scale,
               }
               select (IRewardFit)new HeadFit(says, features.OpenFeatures(blocks), settings, targets, context);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _head?.Dispose();
        _features?.Dispose();
    }

    /// <summary>What a head looks at.</summary>
    internal static Tensor Numbers(IFeatures features, LatentSamples samples)
    {
        using var scope = NewDisposeScope();
        var tokens = features.Tokens(samples.Latents, samples.Sigmas, samples.Conditioning);
        return cat([tokens.flatten(1), features.Captions(samples.Conditioning)], 1).MoveToOuterDisposeScope();
    }

    private static Result<IFeatureModel> Features(IModel model) => model is IFeatureModel features
        ? Result.Ok(features)
        : new Fault.Composition(FaultCodes.RequirementNotMet, $"a head looks at the hidden states of the model's network ('{Capabilities.Features}'), which this model does not show");

    // What is cheap to see first: reading the model's files may take a while.
    private Result<Unit> Fits(HeadFile says, IFeatureModel model)
    {
        if (settings.Blocks is { } blocks && blocks != says.Blocks) return Other($"the head looks after block {says.Blocks}, but 'blocks' is {blocks}; leapalign fit makes another");
        if (settings.Width is { } width && width != says.Shape.Hidden) return Other($"the head is {says.Shape.Hidden} wide, but 'width' is {width}; leapalign fit makes another");
        if (says.Shape.Tokens != model.FeatureWidth) return Other($"the head takes image tokens {says.Shape.Tokens} wide, but those of the model are {model.FeatureWidth} wide: it was fitted on another model");
        if (says.Shape.Captions != model.CaptionWidth) return Other($"the head takes pooled captions {says.Shape.Captions} wide, but those of the model are {model.CaptionWidth} wide: it was fitted on another model");
        if (says.Blocks > model.Blocks) return Other($"the head looks after block {says.Blocks}, but the model has {model.Blocks}: it was fitted on another model");
        return model.FeatureContent().Bind(content => content == says.Model
            ? Unit.Value
            : Result.Fail<Unit>(Other($"the head was fitted on a model whose network is {Shown(says.Model)}, but this model's is {Shown(content)}; leapalign fit makes one for it")));
    }

    private static Result<Unit> Refused(Head head, Fault fault)
    {
        head.Dispose();
        return fault;
    }

    private static string Shown(string content) => content.Length > ShownDigits ? $"{content[..ShownDigits]}..." : content;

    private Unit Take(HeadFile says, Head head, IFeatureModel model)
    {
        (_says, _head, _features) = (says, head, model.OpenFeatures(says.Blocks));
        return Unit.Value;
    }

    private Fault.Input Other(string message) => new(FaultCodes.RewardOfOtherModel, message, new SourcePlace(File));
}
