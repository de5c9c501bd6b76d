using System.Diagnostics;
using System.Text;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Planning;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// One step of a run: <see cref="Run"/>, read from the top to the bottom. Synchronous, on one thread.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly RunPlan _plan;
    private readonly RunParts _parts;
    private readonly OpenStages _stages;
    private readonly StepBatches _batches;
    private readonly PolicyCopies _copies;
    private readonly ParameterSet _all;
    private readonly RunRanks _ranks;
    private readonly StepRewards _rewards;
    private readonly GradientObjectives? _field;
    private readonly bool _undoes;
    private bool _compared;
    private bool _left;

    public TrainingStep(RunPlan plan, RunParts parts, OpenStages stages, Device device)
    {
        (_plan, _parts, _stages, _ranks) = (plan, parts, stages, parts.Ranks);
        _ranks.Stages = stages;
        _copies = new PolicyCopies(parts.Trained, parts.Algorithm.Copies, plan.Run.Reference, plan.Run.Steps);
        _batches = new StepBatches(plan, parts, _copies, stages, device);
        Optimizations = new Optimizations(plan, parts, Accumulate);
        _all = Optimizations.Parameters;
        _field = GradientObjectives.Of(parts, Optimizations, stages);
        Average = new MovingAverage(parts.Trained.Parameters, plan.Run.Ema, plan.Run.EmaWarmup, plan.Run.AverageState == RunSettings.StateSharded ? _ranks : null);
        Guard = new UpdateGuard(plan.Guard);
        _rewards = new StepRewards(plan, parts, _batches, stages);
        _undoes = plan.Guard.Fallen == GuardSettings.Undo;
        foreach (var (name, _) in States) StateNames.Check(name);
    }

    /// <summary>Judges every update before it is made.</summary>
    public UpdateGuard Guard { get; }

    /// <summary>Is told of an update that the guard refused: what is wrong with it, and whether the run ends.</summary>
    public Action<Fault, bool> Refused { get; init; } = static (_, _) => { };

    /// <summary>The moving average of the weights, taken after every update.</summary>
    public MovingAverage Average { get; }

    /// <summary>Optimizer updates so far.</summary>
    public int Updates { get; private set; }

    /// <summary>Whether the state is that between two steps; a step that ended with a fault after its first update leaves it in between.</summary>
    public bool IsBetweenSteps { get; private set; } = true;

    /// <summary>Everything that a step leaves to the next, by name.</summary>
    public IEnumerable<(string Name, IStateful State)> States =>
    [
        ("policy", new WeightsState(_parts.Trained.Parameters.Tensors)),
        ("average", Average.State),
        .. _copies.States.Select(static copy => ($"copy.{copy.Name}", copy.State)),
        .. Optimizations.States,
        .. _parts.States,
    ];

    /// <summary>What this process writes of <see cref="States"/> where all write a checkpoint. What parts keep is written by the first process: whether it is the same in all, they alone know.</summary>
    public IEnumerable<(string Name, IStateful State)> Shares => StateShare.Of(States, _parts.States.Select(static state => state.Name), _ranks);

    /// <summary>Continues after the states were restored.</summary>
    /// <param name="progress">The counters that belong to them.</param>
    public void Resume(RunProgress progress)
    {
        Updates = progress.Updates;
        Guard.State = progress.Guard ?? GuardState.Start;
        _parts.Trained.Refresh();
    }

    /// <summary>Does a step. What it did is told by who asked for it.</summary>
    /// <param name="index">From 0.</param>
    public StepReport Run(int index)
    {
        var (began, ledger, tally) = (Stopwatch.GetTimestamp(), _stages.Ledger.Count, new StepTally(_ranks));
        _batches.Watch.Clear();
        // Where an optimizer asks for it, gradients are those at other weights than the ones that are updated.
        using var elsewhere = Optimizations.MoveToProbes();
        using var calls = new GraphCalls { Returned = static () => SystemMemory.GiveBackKept() };
        using var scope = NewDisposeScope();
        // Where an optimizer asks for it, rewards have weights that it chose.
        using var weighing = _batches.Weigh(Optimizations.Weights);
        using var step = _batches.Of(index, tally.Score);
        using var updates = Losses(step).Updates(Allow).GetEnumerator();
        while (Next(updates))
        {
            // The algorithm encodes, rolls out and scores when it is asked for its next loss: by what it calls of the step.
            Optimizations.Rows?.Begin();
            Optimizations.Parts?.Begin();
            if (!Descend(updates, tally)) continue;
            elsewhere?.Dispose();

            var (norm, verdict) = Clip(index, tally);
            if (verdict.Fault is { } fault)
            {
                Refuse(fault, verdict.Stops, tally);
                continue;
            }

            IsBetweenSteps = false;
            double rate;
            using var before = _undoes ? KeptWeights.Of(_all) : null;
            using (_stages.Enter("update")) rate = Optimizations.Update(Updates, index, tally, weighing);
            _all.ClearGradients();
            using (_stages.Enter("refresh")) _parts.Trained.Refresh();
            if (!_compared) Compare();
            if (before is null || _rewards.Rose(index, tally, before))
            {
                using var average = _stages.Enter("average");
                Average.Update(Updates);
            }
            Updates++;
            tally.EndUpdate(norm, rate, clipped: norm > _plan.ClipNorm);
        }
        using (_stages.Enter("copies")) _copies.Update(index);
        _rewards.Learn(index, tally);
        IsBetweenSteps = true;
        // Where nothing is computed again, the next step takes the same memory, and taking it anew from the system costs a fifth of a small step.
        if (_plan.Run.BlocksPerCheckpoint > 0) SystemMemory.GiveBackKept();
        return Report(index, tally, ledger, began);
    }

    public void Dispose()
    {
        _batches.Dispose();
        _copies.Dispose();
        Optimizations.Dispose();
        Average.Dispose();
    }

    /// <summary>What the optimizer began.</summary>
    public Optimizations Optimizations { get; }

    /// <summary>Whether processes share the optimizer's state, or the average.</summary>
    public bool SharesStates => Optimizations.AreShared || Average.IsShared;

    /// <summary>Whether <see cref="States"/> of the first process are those of the run: where processes share some of them, after <see cref="Collect"/>.</summary>
    public bool HasWholeStates => Optimizations.AreWhole && (_ranks.Rank > 0 || Average.IsWhole);

    /// <summary>Brings states that processes share to the first one, in all processes between the same two steps.</summary>
    /// <returns>What ended another process.</returns>
    public Result<Unit> Collect() => Optimizations.Collect().Bind(_ => Average.Collect());

    /// <summary>Compares the trained weights of all processes.</summary>
    /// <exception cref="FaultException">They differ.</exception>
    public void Compare()
    {
        _compared = true;
        SameEverywhere.Check(_ranks, $"the trained weights after {Updates + (IsBetweenSteps ? 0 : 1)} updates", _all.Select(static parameter => parameter.Value));
    }

    // A process that has nothing to learn of its samples goes along where others have.
    private bool Next(IEnumerator<IEnumerable<StepLoss>> updates) => _ranks.Any("another update", _left = updates.MoveNext());

    private bool Descend(IEnumerator<IEnumerable<StepLoss>> updates, StepTally tally)
    {
        var losses = 0;
        if (_left)
        {
            foreach (var loss in updates.Current)
            {
                Backward(loss, tally, Optimizations.Rows, (Optimizations.Parts, null));
                losses++;
            }
        }
        return _ranks.Any("a loss of the update", losses > 0);
    }

    private void Allow(int update)
    {
        Optimizations.Allow(update);
        _field?.Allow(update);
    }

    private StepLosses Losses(AlignmentStep step, bool objectives = true) => new(step, _parts, _plan.Algorithm, _stages) { HasObjectives = objectives };

    // A step without an update, for an optimizer that asks for its gradient.
    private RewardWeighing? Accumulate(int index, AskedStep asked, StepTally tally)
    {
        using var calls = new GraphCalls { Returned = static () => SystemMemory.GiveBackKept() };
        using var scope = NewDisposeScope();
        var weighing = _batches.Weigh(asked.Weights);
        using var step = _batches.Of(index, tally.Score, asked.Draw, byPrompt: asked.Prompts is not null);
        foreach (var update in Losses(step, asked.HasObjectives).Updates(asked.Prompts is { } prompts ? prompts.Begin(step) : Allow))
        {
            foreach (var loss in update) Backward(loss, tally, null, (asked.Parts, asked.Prompts));
        }
        return weighing;
    }

    private void Backward(StepLoss of, StepTally tally, GradientRows? rows, (PartGradients? Parts, PromptGradients? Prompts) taken)
    {
        var (parts, prompts) = taken;
        parts?.Turn(of.Owner);
        var objective = prompts?.Open(of) ?? of.Objective;
        var share = objective.Share == 1 ? objective.Loss : objective.Loss * objective.Share;
        if (prompts is null) Optimizations.Gradients.Open(objective.Batch, of.Owner.Name);
        if (rows is null) Backward(share);
        else rows.Backward(objective, Backward);
        // Losses keep the type of their method: fp64 where differences near one matter.
        using var loss = share.detach().to(ScalarType.Float64);
        var value = loss.item<double>();
        parts?.Add(of.Owner, objective.Batch, value);
        prompts?.Add(value);
        tally.Add(objective.Batch, value, objective.Measurements, of.Owner);
    }

    private void Backward(Tensor loss)
    {
        using var stage = _stages.Enter("backward");
        loss.backward();
        GraphCalls.Current?.Complete();
    }

    // Judged before it is scaled, while a gradient that went bad is still the only one.
    private (double Norm, Verdict Verdict) Clip(int index, StepTally tally)
    {
        using var stage = _stages.Enter("clip");
        Optimizations.Join();
        _field?.Add(index, tally);
        tally.Reduce();
        using var norm = Optimizations.Gradients.Norm();
        var length = (double)norm.item<float>();
        stage.Note(Tags.GradientNorm, length);
        var verdict = Guard.Judge(new PendingUpdate(tally.PendingLoss, length, tally.PendingRewards), index, FirstBad);
        _batches.Watch.Clear();
        if (verdict.Fault is not null) return (length, verdict);
        if (_parts.TrainedModel.Adapter is { } adapter && length > 0 && _parts.Algorithm.TrainsModel) LooksAlive(adapter);
        if (_plan.ClipNorm is { } limit) _all.ClipGradients(norm, limit);
        return (length, verdict);
    }

    private string FirstBad()
    {
        var seen = _ranks.Gather("what is not finite", Encoding.UTF8.GetBytes(_batches.Watch.FirstNoted() ?? ""));
        var rank = Enumerable.Range(0, seen.Count).FirstOrDefault(rank => seen[rank].Length > 0, -1);
        return FiniteWatch.FirstWeight(_all) ?? (rank < 0 ? FiniteWatch.FirstGradient(Optimizations.Gradients.With("which gradients are not finite", static gradient => !FiniteWatch.IsFinite(gradient))) : _ranks.IsAlone ? Encoding.UTF8.GetString(seen[rank]) : $"in rank {rank} {Encoding.UTF8.GetString(seen[rank])}");
    }

    private void Refuse(Fault fault, bool stops, StepTally tally)
    {
        _all.ClearGradients();
        Refused(fault, stops);
        if (stops) throw new FaultException(fault);
        tally.SkipUpdate();
    }

    // Only the first two updates: what learns then goes on to.
    private void LooksAlive(IAttachedAdapter adapter)
    {
        if (Updates > 1) return;
        var moving = Optimizations.Gradients.With("which gradients there are", AdapterEffect.Moves).Select(static parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        if (AdapterEffect.OfGradients(adapter, parameter => moving.Contains(parameter.Name), first: Updates == 0) is { } fault) throw new FaultException(fault);
    }

    private StepReport Report(int index, StepTally tally, (double Evaluations, double GradientEvaluations) before, long began)
    {
        var (evaluations, gradient) = _ranks.CountElsewhere(_stages.Ledger, before);
        var (rewards, measurements) = tally.Whole();
        var stages = _stages.Times.Take();
        return new StepReport
        {
            Index = index,
            Loss = tally.Loss,
            Rewards = rewards,
            Measurements = measurements,
            GradientNorm = tally.GradientNorm,
            Clipped = tally.Clipped,
            Rate = tally.Rate,
            Updates = tally.Updates,
            Skipped = tally.Skipped,
            Evaluations = evaluations / _plan.Run.Accumulation,
            GradientEvaluations = gradient / _plan.Run.Accumulation,
            Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            Stages = stages,
            Waited = _ranks.IsAlone ? [] : _ranks.Gather("seconds waited", (IReadOnlyList<double>)[stages.GetValueOrDefault(RunRanks.WaitStage)]),
        };
    }
}
