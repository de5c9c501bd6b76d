using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel;

/// <summary>Receives the events of a run: the metrics file, the sample grids, the progress display.</summary>
internal interface IRunObserver
{
    /// <summary>Everything so far is told; an evaluation, a checkpoint, a step or the end comes next.</summary>
    Result<Unit> GoesOn() => Unit.Value;

    /// <summary>A step is done.</summary>
    Result<Unit> Stepped(StepReport report) => Unit.Value;

    /// <summary>An evaluation is done.</summary>
    Result<Unit> Evaluated(EvaluationReport report) => Unit.Value;

    /// <summary>A checkpoint is on the disk.</summary>
    Result<Unit> Checkpointed(CheckpointReport report) => Unit.Value;

    /// <summary>The run met something that it can live with.</summary>
    /// <param name="step">Steps done before it.</param>
    /// <param name="fault">What.</param>
    Result<Unit> Warned(int step, Fault fault) => Unit.Value;
}
