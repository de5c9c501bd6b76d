using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.LatentHead;

/// <summary>A head that learns: towards scores by the mean squared error of normalised scores, towards preferences by the likelihood of Bradley and Terry, with AdamW.</summary>
internal sealed class HeadFit : IContinuedFit
{
    private const double LongestGradient = 1;
    private const int WarmUpPart = 20;
    private readonly HeadFile _says;
    private readonly IFeatures _features;
    private readonly Head _head;
    private readonly ParameterSet _parameters;
    private readonly AdamWUpdates _optimizer;
    private readonly double _rate;
    private readonly int _updates;

    public HeadFit(HeadFile says, IFeatures features, LatentHeadSettings settings, FitTargets targets, PartContext context)
    {
        (_says, _features, _rate, _updates) = (says, features, settings.Rate, targets.Updates);
        _head = Head.New(says.Shape, targets.Random.For("head"), context.Device);
        _parameters = _head.Parameters();
        _optimizer = new AdamWUpdates("latent-head", new AdamWForm(0.9, 0.999, 1e-8, Fused: true), _parameters, new WeightDecay(settings.WeightDecay, All: false), context.Warn);
    }

    public Tensor Features(LatentSamples samples) => LatentHeadReward.Numbers(_features, samples);

    public Tensor Score(Tensor features, IReadOnlyList<double> sigmas)
    {
        using var scope = NewDisposeScope();
        return ((_head.Forward(features, sigmas) * _says.Scale) + _says.Offset).MoveToOuterDisposeScope();
    }

    public Tensor LastInputs(Tensor features, IReadOnlyList<double> sigmas)
    {
        using var _ = no_grad();
        return _head.LastInputs(features, sigmas);
    }

    public Result<Unit> Continue(string file) => HeadFile.Read(file, _head.Tensors[0].device).Bind(read =>
    {
        using (read.Head)
        {
            if (read.Says.Model != _says.Model) return Other("was fitted on a model whose network is another");
            if (read.Says.Blocks != _says.Blocks) return Other(FormattableString.Invariant($"looks after block {read.Says.Blocks}, and this one after block {_says.Blocks}"));
            if (read.Says.Shape != _says.Shape) return Other(FormattableString.Invariant($"is {read.Says.Shape.Hidden} wide, and this one {_says.Shape.Hidden}"));
            _head.TakeLayers(read.Head);
            return Unit.Value;
        }
        Result<Unit> Other(string how) => new Fault.Input(FaultCodes.RewardOfOtherModel, $"the head that layers are taken from {how}", new SourcePlace(file));
    });

    public void SetLastLayer(Tensor weights, double intercept) => _head.SetLastLayer(weights, intercept);

    public double LearnScores(int update, Tensor features, IReadOnlyList<double> sigmas, Tensor scores, FitSlopes? slopes) => Learn(
        update,
        () => (_head.Forward(features, sigmas) - ((scores - _says.Offset) / _says.Scale)).square().mean(),
        () => slopes is null ? null : ((_head.Forward(slopes.Above, slopes.Sigmas) - _head.Forward(slopes.Below, slopes.Sigmas)) * slopes.Factors).mean());

    public double LearnPairs(int update, Tensor preferred, Tensor rejected, IReadOnlyList<double> sigmas) =>
        Learn(update, () => nn.functional.softplus(_head.Forward(rejected, sigmas) - _head.Forward(preferred, sigmas)).mean());

    public FittedFile ToFile(IReadOnlyDictionary<string, string> record) =>
        new([.. _head.Shape.Tensors.Zip(_head.Tensors, static (named, value) => new NamedTensor(named.Name, value))], _says.Write(record));

    public void Dispose()
    {
        _optimizer.Dispose();
        _parameters.ClearGradients();
        _head.Dispose();
        _features.Dispose();
    }

    private double Learn(int update, Func<Tensor> lossOf, Func<Tensor?>? besideOf = null)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var loss = lossOf();
        var beside = besideOf?.Invoke();
        (beside is null ? loss : loss + beside).backward();
        using (var norm = _parameters.GradientNorm()) _parameters.ClipGradients(norm, LongestGradient);
        _optimizer.Update(WarmUp.Rate(_rate, _updates / WarmUpPart, update) * (1 + Math.Cos(Math.PI * update / _updates)) / 2);
        _parameters.ClearGradients();
        return loss.detach().to(ScalarType.Float64).item<double>();
    }
}
