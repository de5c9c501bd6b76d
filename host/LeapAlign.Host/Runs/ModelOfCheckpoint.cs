using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Runs;

/// <summary><c>checkpoint export</c>: the averaged weights of a checkpoint as a model folder.</summary>
internal sealed class ModelOfCheckpoint(Terminal terminal, ILoggerFactory loggers)
{
    /// <summary>Exports.</summary>
    /// <param name="plan">The run that the checkpoint is of.</param>
    /// <param name="checkpoint">Whose weights.</param>
    /// <param name="folder">Written whole or not at all; one that is there is replaced.</param>
    // A frame of its own: once it has returned, nothing on the stack refers to a plugin's types.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Unit> Export(RunPlan plan, Checkpoint checkpoint, string folder) => RunSite.Open(plan, loggers, terminal.Error).Bind(site =>
    {
        using (site)
        {
            return plan.Model.Create<IModel>(site.Context(plan.Model)).Bind(model =>
            {
                var type = Dtype.Parse(plan.Export.Dtype);
                using (model as IDisposable) return Rehearsal.Check(model, type, folder).Bind(_ => CheckpointExport.Write(checkpoint, model, folder, type));
            });
        }
    });
}
