using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>
/// The run loop: <c>BeforeRun → Run (per step) → AfterRun</c>. It owns everything that is the same for all algorithms and knows no algorithm, model or
/// reward.
/// </summary>
internal sealed class RunKernel : IDisposable
{
    private readonly RunPlan _plan;
    private readonly RunParts _parts;
    private readonly IReadOnlyList<IRunObserver> _observers;
    private readonly TrainingStep _step;
    private readonly Evaluation _evaluation;
    private int _evaluatedAt = -1;

    public RunKernel(RunPlan plan, RunParts parts, Device device, IReadOnlyList<IRunObserver> observers)
    {
        (_plan, _parts, _observers) = (plan, parts, observers);
        Clock = new StageClock(new KernelSpans(plan));
        _step = new TrainingStep(plan, parts, Clock, device);
        _evaluation = new Evaluation(plan, parts, Clock, device);
    }

    /// <summary>Stage times and the F-ledger.</summary>
    public StageClock Clock { get; }

    /// <summary>Optimizer steps done.</summary>
    public int Done { get; private set; }

    /// <summary>Runs to the end, or to the end of the step in which cancellation is asked for.</summary>
    /// <returns>Whether all steps were done.</returns>
    public Result<bool> Run(CancellationToken cancellation) => Clock.Spans.Run(Clock, () => Loop(cancellation));

    private Result<bool> Loop(CancellationToken cancellation)
    {
        try
        {
            return from before in BeforeRun(cancellation)
                   from steps in Steps(cancellation)
                   from after in AfterRun(cancellation)
                   select Done == _plan.Run.Steps;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
#pragma warning disable CA1031 // A part may throw anything; whatever it is becomes a fault that names the stage.
        catch (Exception exception) when (Clock.Failed is not null)
#pragma warning restore CA1031
        {
            return new Fault.Run(FaultCodes.StepThrew, $"the stage '{Clock.Failed}' of step {Done + 1} threw {exception.GetType().Name}: {exception.Message.Split('\n')[0]}");
        }
    }

    /// <summary>Writes the averaged weights as a complete model folder.</summary>
    /// <param name="folder">Written aside and renamed: it is there whole or not at all.</param>
    /// <param name="type">The precision, or null for that of the source.</param>
    public Result<Unit> Export(string folder, ScalarType? type) => _parts.Model.Export(folder, _step.Average.Weights, type);

    public void Dispose() => _step.Dispose();

    private Result<Unit> BeforeRun(CancellationToken cancellation) => _plan.Evaluation.Every >= 0 ? Evaluate(cancellation) : Unit.Value;

    private Result<Unit> Steps(CancellationToken cancellation)
    {
        while (Done < _plan.Run.Steps && !cancellation.IsCancellationRequested)
        {
            var report = _step.Run(Done);
            Done++;
            if (!Tell(observer => observer.Stepped(report)).TryGet(out _, out var fault)) return fault;
            if (_plan.Evaluation.Every > 0 && Done % _plan.Evaluation.Every == 0 && !Evaluate(cancellation).TryGet(out _, out fault)) return fault;
        }
        return Unit.Value;
    }

    private Result<Unit> AfterRun(CancellationToken cancellation) =>
        _plan.Evaluation.Every >= 0 && _evaluatedAt != Done && !cancellation.IsCancellationRequested ? Evaluate(cancellation) : Unit.Value;

    private Result<Unit> Evaluate(CancellationToken cancellation)
    {
        _evaluatedAt = Done;
        var report = _evaluation.Run(Done, _step.Average.Weights, cancellation);
        return Tell(observer => observer.Evaluated(report));
    }

    private Result<Unit> Tell(Func<IRunObserver, Result<Unit>> tell)
    {
        foreach (var observer in _observers)
        {
            if (!tell(observer).TryGet(out _, out var fault)) return fault;
        }
        return Unit.Value;
    }
}
