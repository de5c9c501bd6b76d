using LeapAlign.Contracts.Algorithms;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// What adds up over the objectives and updates of a step, over all processes of the run. Numbers are added micro-batch by micro-batch, and then over micro-batches in
/// their order in the step: the same bits however many processes share them.
/// </summary>
/// <param name="ranks">The processes.</param>
internal sealed class StepTally(RunRanks ranks)
{
    private readonly Dictionary<string, PartPlan> _owners = [];
    private readonly SortedDictionary<int, double> _pendingLosses = [];
    private readonly Means _rewards = new();
    private readonly Means _pendingRewards = new();
    private readonly Measurements _measurements = new();
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

    /// <summary>The loss of the update that is being made, of all processes once it was reduced.</summary>
    public double PendingLoss { get; private set; }

    /// <summary>Each trained reward since the last update; none where an update learns from samples that were scored before an earlier one.</summary>
    public IReadOnlyDictionary<string, double> PendingRewards { get; private set; } = new Dictionary<string, double>();

    /// <summary>Takes scores of a trained reward.</summary>
    /// <param name="batch">The micro-batch, by its place in this process.</param>
    /// <param name="reward">Its name.</param>
    /// <param name="scores">One for each sample.</param>
    public void Score(int batch, string reward, Tensor scores)
    {
        _rewards.Add(reward, batch, scores);
        _pendingRewards.Add(reward, batch, scores);
    }

    /// <summary>Takes an objective.</summary>
    /// <param name="batch">The micro-batch, by its place in this process; null where nobody said.</param>
    /// <param name="loss">Its loss, with its share in the update.</param>
    /// <param name="measurements">What was measured on the way.</param>
    /// <param name="owner">The part that made it.</param>
    /// <exception cref="FaultException">Another part measures under the same name.</exception>
    public void Add(int? batch, double loss, IReadOnlyList<Measurement> measurements, PartPlan owner)
    {
        var place = batch ?? 0;
        _pendingLosses[place] = _pendingLosses.GetValueOrDefault(place) + loss;
        foreach (var measured in measurements) Take(place, measured, owner);
    }

    /// <summary>Takes what the optimizer measured, which is the same in all processes.</summary>
    /// <param name="name">Its name in metrics.</param>
    /// <param name="value">The value.</param>
    /// <param name="owner">The optimizer.</param>
    /// <exception cref="FaultException">Another part measures under the same name.</exception>
    public void Measure(string name, double value, PartPlan owner)
    {
        if (ranks.Rank > 0) return;
        using var scalar = tensor(value, ScalarType.Float64);
        Take(0, new Measurement(name, scalar), owner);
    }

    /// <summary>Takes the numbers of all processes for the update that is being made.</summary>
    public void Reduce()
    {
        var all = TallyBytes.Gathered(ranks, "losses of the update", writer =>
        {
            TallyBytes.Write(writer, _pendingLosses);
            _pendingRewards.Write(writer);
        }, static (reader, rank, all) =>
        {
            foreach (var (batch, loss) in TallyBytes.ReadNumbers(reader)) all.Losses[(rank, batch)] = loss;
            all.Rewards.Read(reader, rank);
        }, (Losses: new SortedDictionary<(int, int), double>(), Rewards: new Means()));
        PendingLoss = all.Losses.Values.Sum() / ranks.World;
        PendingRewards = all.Rewards.Values;
    }

    /// <summary>What the step measured, in all processes.</summary>
    public (IReadOnlyDictionary<string, double> Rewards, Measured Measurements) Whole()
    {
        var all = TallyBytes.Gathered(ranks, "measurements of the step", writer =>
        {
            _rewards.Write(writer);
            _measurements.Write(writer);
        }, static (reader, rank, all) =>
        {
            all.Rewards.Read(reader, rank);
            all.Measurements.Read(reader, rank);
        }, (Rewards: new Means(), Measurements: new Measurements()));
        return (all.Rewards.Values, all.Measurements.Values);
    }

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

    private void Take(int batch, Measurement measured, PartPlan owner)
    {
        if (!_owners.TryAdd(measured.Name, owner) && _owners[measured.Name] is var other && !ReferenceEquals(other, owner)) throw new FaultException(Taken(measured.Name, other, owner));
        _measurements.Add(batch, measured);
    }

    private static Fault.Composition Taken(string name, PartPlan first, PartPlan second) => new(
        FaultCodes.MeasuredTwice,
        $"the {first.Definition.Kind} '{first.Name}' and the {second.Definition.Kind} '{second.Name}' both measure '{name}'; give the {second.Definition.Kind} another \"name\"",
        second.Place);

    private void Forget()
    {
        PendingLoss = 0;
        _pendingLosses.Clear();
        _pendingRewards.Clear();
    }

    // A step that found nothing to learn has no update.
    private double Mean(double sum) => Updates == 0 ? 0 : sum / Updates;
}
