using LeapAlign.Contracts.Algorithms;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What adds up over the objectives and updates of a step.</summary>
internal sealed class StepTally
{
    private readonly Dictionary<string, PartPlan> _owners = [];
    private double _losses;
    private double _norms;
    private int _clipped;

    /// <summary>The mean loss of the updates.</summary>
    public double Loss => Mean(_losses);

    /// <summary>The mean gradient norm of the updates, before clipping.</summary>
    public double GradientNorm => Mean(_norms);

    /// <summary>The share of the updates whose gradient was longer than the limit.</summary>
    public double Clipped => Mean(_clipped);

    /// <summary>The learning rate of the last update.</summary>
    public double Rate { get; private set; }

    public int Updates { get; private set; }

    /// <summary>Updates that were left out.</summary>
    public int Skipped { get; private set; }

    /// <summary>The loss of the update that is being made.</summary>
    public double PendingLoss { get; private set; }

    /// <summary>Each trained reward over the step.</summary>
    public Means Rewards { get; } = new();

    /// <summary>Each trained reward since the last update; none where an update learns from samples that were scored before an earlier one.</summary>
    public Means PendingRewards { get; } = new();

    /// <summary>What the algorithm and the objectives beside it measured.</summary>
    public Measurements Measurements { get; } = new();

    /// <summary>Takes scores of a trained reward.</summary>
    public void Score(string reward, Tensor scores)
    {
        Rewards.Add(reward, scores);
        PendingRewards.Add(reward, scores);
    }

    /// <summary>Takes an objective.</summary>
    /// <param name="loss">Its loss, with its share in the update.</param>
    /// <param name="measurements">What was measured on the way.</param>
    /// <param name="owner">The part that made it.</param>
    /// <exception cref="FaultException">Another part measures under the same name.</exception>
    public void Add(double loss, IReadOnlyList<Measurement> measurements, PartPlan owner)
    {
        PendingLoss += loss;
        foreach (var measured in measurements)
        {
            if (!_owners.TryAdd(measured.Name, owner) && _owners[measured.Name] is var other && !ReferenceEquals(other, owner)) throw new FaultException(Taken(measured.Name, other, owner));
            Measurements.Add(measured);
        }
    }

    /// <summary>Takes the mean over all processes for the loss of the update that is being made.</summary>
    public void Reduce(RankMeans ranks) => PendingLoss = ranks.Of(PendingLoss);

    /// <summary>Takes an update.</summary>
    public void EndUpdate(double norm, double rate, bool clipped)
    {
        if (clipped) _clipped++;
        _losses += PendingLoss;
        _norms += norm;
        Rate = rate;
        Updates++;
        Forget();
    }

    /// <summary>Leaves an update out: its numbers are in no mean.</summary>
    public void SkipUpdate()
    {
        Skipped++;
        Forget();
    }

    private static Fault.Composition Taken(string name, PartPlan first, PartPlan second) => new(
        FaultCodes.MeasuredTwice,
        $"the {first.Definition.Kind} '{first.Name}' and the {second.Definition.Kind} '{second.Name}' both measure '{name}'; give the {second.Definition.Kind} another \"name\"",
        second.Place);

    private void Forget()
    {
        PendingLoss = 0;
        PendingRewards.Clear();
    }

    // A step that found nothing to learn has no update.
    private double Mean(double sum) => Updates == 0 ? 0 : sum / Updates;
}

/// <summary>Means over everything that was added under a name.</summary>
internal sealed class Means
{
    private readonly Dictionary<string, (double Sum, long Count)> _sums = [];

    public IReadOnlyDictionary<string, double> Values => _sums.ToDictionary(static pair => pair.Key, static pair => pair.Value.Sum / pair.Value.Count);

    public void Add(string name, Tensor values)
    {
        using var sum = values.detach().to(ScalarType.Float64).sum();
        var (total, count) = _sums.GetValueOrDefault(name);
        _sums[name] = (total + sum.item<double>(), count + values.numel());
    }

    public void Clear() => _sums.Clear();
}
