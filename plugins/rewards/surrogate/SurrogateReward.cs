using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Surrogate;

/// <summary>
/// The scores of rewards that have no gradient, with the gradient of a small ensemble that learns them from what was scored in training (Bouchet and Vidal 2025, arXiv 2510.01461). The value is always the true one; the gradient is that of the
/// ensemble's lowest member, so that what one member alone believes is not followed.
/// </summary>
public sealed class SurrogateReward : IDifferentiableReward, ILearningReward, IStateful, IDisposable
{
    /// <summary>Members of the ensemble.</summary>
    public const int Members = 3;

    private readonly SurrogateSettings _settings;
    private readonly IReadOnlyList<IReward> _others;
    private readonly Tensor _weights, _mean, _spread;
    private readonly ReplayBuffer _buffer;
    private readonly Regression[] _members;
    private bool _fitted;

    private SurrogateReward(SurrogateSettings settings, IReadOnlyList<IReward> others, Device device)
    {
        using var scope = NewDisposeScope();
        (_settings, _others) = (settings, others);
        _weights = tensor([.. settings.Weights ?? [.. others.Select(static _ => 1.0)]], dtype: ScalarType.Float32).to(device).DetachFromDisposeScope();
        (_mean, _spread) = (zeros(others.Count, device: device).DetachFromDisposeScope(), ones(others.Count, device: device).DetachFromDisposeScope());
        _buffer = new ReplayBuffer(settings.Capacity, settings.Size, others.Count, device);
        _members = [.. Enumerable.Range(0, Members).Select(member => new Regression($"member{member}", settings, others.Count, device))];
    }

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <summary>Finds the other rewards.</summary>
    /// <returns>LA1025 when weights are not one for each reward; LA3012 when there is no such reward.</returns>
    public static Result<SurrogateReward> Create(SurrogateSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        if (settings.Weights is { } weights && weights.Count != settings.Of.Count)
            return new Fault.Configuration(FaultCodes.SurrogateWeights, $"reward '{context.Name}': 'of' names {settings.Of.Count} rewards and 'weights' has {weights.Count} numbers; expected one for each, or no 'weights'");
        if (settings.Of.GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static same => same.Skip(1).Any()) is { } twice)
            return new Fault.Configuration(FaultCodes.Duplicate, $"reward '{context.Name}': 'of' names the reward '{twice.Key}' twice");
        return settings.Of.Select(context.OtherReward).All().Map(others => new SurrogateReward(settings, others, context.Device));
    }

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        using var scope = NewDisposeScope();
        var scores = True(images, prompts);
        var total = scores.matmul(_weights);
        if (!is_grad_enabled() || !images.requires_grad) return total.MoveToOuterDisposeScope();
        var (small, words) = (Small(images), CaptionWords.Of(prompts, images.device));
        var plans = images.device_type == DeviceType.META;
        if (!plans) _buffer.Add(small.detach(), words, scores);
        var lowest = Predicted(small, words).amin([0]);
        // Nothing is known before the first fit: the samples of those steps are collected and not followed.
        var slope = _fitted || plans ? lowest : lowest * 0;
        return (total + (slope - slope.detach())).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, double> Learn(int step, RandomKey random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var found = new Dictionary<string, double>();
        if (_fitted && _buffer.Fresh > 0) found["error"] = Error();
        _buffer.Seen();
        if ((step + 1) % _settings.Every != 0 || _buffer.Count == 0) return found;
        Fit(random);
        found["kept"] = _buffer.Count;
        return found;
    }

    /// <inheritdoc/>
    public PartState Save() => new(
        StateVersion,
        [.. _buffer.Tensors, new("mean", _mean), new("spread", _spread), .. _members.SelectMany(static member => member.Tensors)],
        new Dictionary<string, double>([.. _buffer.Numbers, new("fitted", _fitted ? 1 : 0), .. _members.SelectMany(static member => member.Numbers)]));

    /// <inheritdoc/>
    public Result<Unit> Load(PartState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return from buffer in _buffer.Load(state)
               from mean in state.CopyTo("mean", _mean)
               from spread in state.CopyTo("spread", _spread)
               from members in _members.Select(member => member.Load(state)).All()
               from fitted in state.Number("fitted")
               select Resume(fitted != 0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var member in _members) member.Dispose();
        _buffer.Dispose();
        _weights.Dispose();
        _mean.Dispose();
        _spread.Dispose();
    }

    private Tensor True(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var _ = no_grad();
        var pictures = images.detach();
        return stack([.. _others.Select(other => other.Score(pictures, prompts).detach().to(ScalarType.Float32))], 1);
    }

    private Tensor Small(Tensor images) => nn.functional.adaptive_avg_pool2d(images, [_settings.Size, _settings.Size]);

    /// <summary>What each member of the ensemble takes the score for, [3, B], with gradient.</summary>
    internal Tensor Predicted(Tensor images, IReadOnlyList<Prompt> prompts) => Predicted(Small(images), CaptionWords.Of(prompts, images.device));

    private Tensor Predicted(Tensor small, Tensor words) => stack([.. _members.Select(member => ((member.Scores(small, words) * _spread) + _mean).matmul(_weights))]);

    private void Fit(RandomKey random)
    {
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            var (mean, spread) = _buffer.Spread();
            _mean.copy_(mean);
            _spread.copy_(spread);
        }
        for (var number = 0; number < Members; number++)
        {
            // Each member has draws of its own, so that they agree where the pictures say so.
            var draws = random.For("member", number).Open();
            for (var update = 0; update < _settings.Updates; update++)
            {
                using var inner = NewDisposeScope();
                var (pictures, words, scores) = _buffer.At([.. Enumerable.Range(0, _settings.Batch).Select(_ => (long)draws.NextInt(0, _buffer.Count))]);
                _members[number].Learn(pictures, words, (scores - _mean) / _spread, _settings.Rate);
            }
        }
        _fitted = true;
    }

    // Of pictures that no fit has seen: the root mean square of what the ensemble's mean misses, in units of the spread.
    private double Error()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (pictures, words, scores) = _buffer.At(_buffer.FreshPlaces);
        var predicted = stack([.. _members.Select(member => member.Scores(pictures, words))]).mean([0]);
        return (predicted - ((scores - _mean) / _spread)).square().mean().sqrt().item<float>();
    }

    private Unit Resume(bool fitted)
    {
        _fitted = fitted;
        return Unit.Value;
    }
}
