using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs;

/// <summary>The pictures of the sample grid one by one, as they are: <c>samples/step-####/##.png</c>, in the order of <c>samples</c> in metrics.jsonl; those of previews in <c>samples/preview-&lt;name&gt;/</c>.</summary>
internal sealed class SamplePictures(RunFolder folder) : IRunObserver
{
    public Result<Unit> Evaluated(EvaluationReport report)
    {
        foreach (var drawn in report.Previews.Prepend(report))
        {
            for (var number = 0; number < drawn.Samples.Count; number++)
            {
                if (!RunFolder.WriteInto(folder.Sample(drawn.Step, number, drawn.Drawn?.Preview), SampleGrid.Encode(drawn.Samples[number]), folder.Disk).TryGet(out _, out var fault)) return fault;
            }
        }
        return Unit.Value;
    }
}
