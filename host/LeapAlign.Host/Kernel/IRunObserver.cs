using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel;

/// <summary>Is told what happens in a run: the metrics file, the sample grids, the progress display.</summary>
internal interface IRunObserver
{
    /// <summary>A step is done.</summary>
    Result<Unit> Stepped(StepReport report);

    /// <summary>An evaluation is done.</summary>
    Result<Unit> Evaluated(EvaluationReport report);

    /// <summary>A checkpoint is on the disk.</summary>
    Result<Unit> Checkpointed(CheckpointReport report) => Unit.Value;
}
