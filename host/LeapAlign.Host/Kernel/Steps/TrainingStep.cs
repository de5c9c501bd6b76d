using System.Diagnostics;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// One step of a run: backward on each objective of the algorithm before the next is asked for, and at the end of each update clipping, the non-finite guard,
/// the optimizer and the moving average. Synchronous, on one thread, in one dispose scope for each objective.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly RunPlan _plan;
    private readonly RunParts _parts;
    private readonly StageClock _clock;
    private readonly StepBatches _batches;
    private readonly PolicyCopies _copies;
    private readonly IOptimization _optimization;
    private readonly IOptimization? _ownOptimization;
    private readonly IReadOnlyList<(IOptimization Optimization, ParameterSet Parameters)> _optimizations;
    private readonly OptimizerNeeds _needs;
    private readonly StepsAgain _again;
    private readonly GradientRows? _rows;
    private readonly ParameterSet _trained;
    private readonly ParameterSet _all;
    private readonly double? _limit;
    private readonly RankMeans _ranks;

    public TrainingStep(RunPlan plan, RunParts parts, StageClock clock, Device device)
    {
        (_plan, _parts, _clock) = (plan, parts, clock);
        _ranks = new RankMeans(parts.Communicator);
        _trained = parts.Trained.Parameters;
        _all = _trained.With(parts.Algorithm.Parameters);
        _limit = plan.ClipNorm;
        _copies = new PolicyCopies(parts.Trained, parts.Algorithm.Copies, plan.Run.Reference, plan.Run.Steps);
        _batches = new StepBatches(plan, parts, _copies, clock, device);
        _optimization = parts.Optimizer.Begin(_trained);
        if (parts.Algorithm.Parameters is { Count: > 0 } own) _ownOptimization = parts.Optimizer.Begin(own, parts.Algorithm.ParameterRate);
        _optimizations = _ownOptimization is null ? [(_optimization, _trained)] : [(_optimization, _trained), (_ownOptimization, parts.Algorithm.Parameters)];
        _needs = new OptimizerNeeds(plan.Optimizer);
        foreach (var (optimization, _) in _optimizations) _needs.Check(optimization);
        _again = new StepsAgain(_needs, _all, _ranks, parts.Trained.Refresh, (step, draw, tally) => Follow(step, draw, tally, null, _needs.Allow));
        (IRowOptimization, ParameterSet)[] takers = [.. from each in _optimizations let taker = _needs.Rows(each.Optimization) where taker is not null select (taker, each.Parameters)];
        if (takers.Length > 0) _rows = new GradientRows(takers, _all, parts.Communicator);
        Average = new MovingAverage(_trained, plan.Run.Ema, plan.Run.EmaWarmup);
        Guard = new UpdateGuard(plan.Guard);
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
        ("policy", new WeightsState(_trained.Tensors)),
        ("average", Average.State),
        .. _copies.States.Select(static copy => ($"copy.{copy.Name}", copy.State)),
        .. _optimization is IStateful optimizer ? [("optimizer", optimizer)] : Array.Empty<(string, IStateful)>(),
        .. _parts.Algorithm.Parameters is { Count: > 0 } own ? [("own", new WeightsState(own.Tensors))] : Array.Empty<(string, IStateful)>(),
        .. _ownOptimization is IStateful ownOptimizer ? [("own-optimizer", ownOptimizer)] : Array.Empty<(string, IStateful)>(),
        .. _parts.States,
    ];

    /// <summary>Continues after the states were restored.</summary>
    /// <param name="progress">The counters that belong to them.</param>
    public void Resume(RunProgress progress)
    {
        Updates = progress.Updates;
        Guard.State = progress.Guard ?? GuardState.Start;
        _parts.Trained.Refresh();
    }

    public StepReport Run(int index) => _clock.Spans.Step(index, _clock, () => Step(index));

    private StepReport Step(int index)
    {
        var started = Stopwatch.GetTimestamp();
        var (evaluations, withGradient) = (_clock.Evaluations, _clock.GradientEvaluations);
        var tally = new StepTally();
        Descend(index, tally);
        _clock.Measure("copies", () => _copies.Update(index));
        IsBetweenSteps = true;
        return new StepReport
        {
            Index = index,
            Loss = tally.Loss,
            Rewards = _ranks.Of(tally.Rewards.Values),
            Measurements = tally.Measurements.Over(_ranks),
            GradientNorm = tally.GradientNorm,
            Clipped = tally.Clipped,
            Rate = tally.Rate,
            Updates = tally.Updates,
            Skipped = tally.Skipped,
            Evaluations = (_clock.Evaluations - evaluations) / _plan.Run.Accumulation,
            GradientEvaluations = (_clock.GradientEvaluations - withGradient) / _plan.Run.Accumulation,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Stages = _clock.Take(),
        };
    }

    public void Dispose()
    {
        _batches.Dispose();
        _copies.Dispose();
        _optimization.Dispose();
        _ownOptimization?.Dispose();
        Average.Dispose();
    }

    private void Descend(int index, StepTally tally)
    {
        _batches.Watch.Clear();
        _rows?.Begin();
        using var probe = _again.Probe(_optimizations);
        Follow(index, draw: 0, tally, _rows, update =>
        {
            _needs.Allow(update);
            // Everything but the gradient is of the weights that the update changes.
            probe?.Dispose();
            Update(index, tally);
            _rows?.Begin();
        });
    }

    // Backward on every objective of a step.
    private void Follow(int index, int draw, StepTally tally, GradientRows? rows, Action<int> endUpdate)
    {
        using var scope = NewDisposeScope();
        using var step = _batches.Of(index, tally.Score, draw);
        using var objectives = _clock.Measure("algorithm", () => _parts.Algorithm.Step(step).GetEnumerator());
        var (pending, update) = (false, 0);
        while (true)
        {
            using var objectiveScope = NewDisposeScope();
            if (!_clock.Measure("algorithm", objectives.MoveNext)) break;
            Backward(objectives.Current, _plan.Algorithm, tally, rows);
            pending = !objectives.Current.EndsUpdate;
            if (!pending) End();
        }
        if (pending) End();

        void End()
        {
            Beside(step, update, tally, rows);
            endUpdate(update++);
        }
    }

    // The objectives beside the algorithm's, once in every update.
    private void Beside(AlignmentStep step, int update, StepTally tally, GradientRows? rows)
    {
        foreach (var ((part, weight), objective) in _parts.Objectives)
        {
            foreach (var batch in step.Batches)
            {
                using var scope = NewDisposeScope();
                var made = _clock.Measure("objective", () => objective.Of(step, batch, update));
                IReadOnlyList<Measurement> measured = [new(part.Name, made.Loss.detach()), .. made.Measurements.Select(measure => measure.Under(part.Name))];
                Backward(new Objective(made.Loss, measured).Times(made.Share * weight / step.Batches.Count), part, tally, rows);
            }
        }
    }

    private void Backward(Objective objective, PartPlan owner, StepTally tally, GradientRows? rows)
    {
        var share = objective.Share == 1 ? objective.Loss : objective.Loss * objective.Share;
        if (rows is null) _clock.Measure("backward", () => share.backward());
        else rows.Backward(objective, loss => _clock.Measure("backward", () => loss.backward()));
        // Losses keep the type of their method: fp64 where differences near one matter.
        using var loss = share.detach().to(ScalarType.Float64);
        tally.Add(loss.item<double>(), objective.Measurements, owner);
    }

    private void Update(int index, StepTally tally)
    {
        var (norm, verdict) = _clock.Measure("clip", () => Clip(index, tally), static (activity, clipped) => KernelSpans.Describe(activity, clipped.Norm));
        _batches.Watch.Clear();
        if (verdict.Fault is { } fault)
        {
            _all.ClearGradients();
            Refused(fault, verdict.Stops);
            if (verdict.Stops) throw new FaultException(fault);
            tally.SkipUpdate();
            return;
        }
        IsBetweenSteps = false;
        var rate = _clock.Measure("update", () => Optimize(index, tally.PendingLoss));
        _all.ClearGradients();
        _clock.Measure("refresh", _parts.Trained.Refresh);
        _clock.Measure("average", () => Average.Update(Updates));
        Updates++;
        tally.EndUpdate(norm, rate, clipped: norm > _limit);
    }

    private double Optimize(int step, double loss)
    {
        _ownOptimization?.Update(_again.Context(Updates, step, loss, _parts.Algorithm.Parameters));
        return _optimization.Update(_again.Context(Updates, step, loss, _trained));
    }

    // Judged before it is scaled, while a gradient that went bad is still the only one.
    private (double Norm, Verdict Verdict) Clip(int index, StepTally tally)
    {
        _ranks.Gradients(_all);
        tally.Reduce(_ranks);
        using var norm = _all.GradientNorm();
        var length = (double)norm.item<float>();
        var verdict = Guard.Judge(new PendingUpdate(tally.PendingLoss, length, _ranks.Of(tally.PendingRewards.Values)), index, () => _batches.Watch.First(_all));
        if (verdict.Fault is null && _parts.TrainedModel.Adapter is { } adapter && length > 0) LooksAlive(adapter);
        if (verdict.Fault is null && _limit is { } limit) _all.ClipGradients(norm, limit);
        return (length, verdict);
    }

    // Only the first two updates: what learns then goes on to.
    private void LooksAlive(IAttachedAdapter adapter)
    {
        if (Updates > 1) return;
        if (AdapterEffect.OfGradients(adapter, first: Updates == 0) is { } fault) throw new FaultException(fault);
    }
}
