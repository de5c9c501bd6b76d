using System.Runtime.CompilerServices;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
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
            List<IDisposable> owned = [];
            try
            {
                return from model in TrainedModel.Make(plan, site.Context, owned)
                       from room in Rehearsal.Check(model, plan.Export, folder)
                       from written in CheckpointExport.Write(checkpoint, model, policy => model.Export(Folders(plan, folder), policy, plan.Export))
                       select written;
            }
            finally
            {
                RunParts.Release(owned);
            }
        }
    });

    // The folder that was asked for is that of the adapter where one was trained; a merged model lies in it.
    private static ExportFolders Folders(RunPlan plan, string folder) => plan.Adapter is null ? new(folder, folder) : new(Path.Combine(folder, "merged"), Path.Combine(folder, "adapter"));
}
