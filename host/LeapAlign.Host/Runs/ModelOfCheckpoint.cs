using System.Runtime.CompilerServices;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Runs;

/// <summary><c>checkpoint export</c>: the averaged weights of a checkpoint as a model folder, or as an adapter's files.</summary>
internal sealed class ModelOfCheckpoint(Terminal terminal, ILoggerFactory loggers)
{
    private static readonly string[] s_ofExports = ["model_index.json", "pytorch_lora_weights.safetensors", "adapter_config.json"];

    /// <summary>Exports.</summary>
    /// <param name="plan">The run that the checkpoint is of.</param>
    /// <param name="checkpoint">Whose weights.</param>
    /// <param name="folders">Each written whole or not at all; an export that is there is replaced, another folder is not.</param>
    /// <returns>The folder that was written.</returns>
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<string> Export(RunPlan plan, Checkpoint checkpoint, ExportFolders folders) => RunSite.Open(plan, loggers, terminal.Error).Bind(site =>
    {
        using (site)
        {
            var folder = plan.Adapter is null ? folders.Model : folders.Adapter;
            List<IDisposable> owned = [];
            try
            {
                return from own in IsOurs(folder)
                       from merged in plan.Adapter is not null && plan.Export.Merged ? IsOurs(folders.Model) : Unit.Value
                       from model in TrainedModel.Make(plan, site.Context, owned)
                       from above in RunFolder.MakeAbove(folder)
                       from room in Rehearsal.Check(model, plan.Export, folder)
                       from written in CheckpointExport.Write(checkpoint, model, policy => model.Export(folders, policy, plan.Export))
                       select folder;
            }
            finally
            {
                RunParts.Release(owned);
            }
        }
    });

    // An export takes the place of what is there. Somebody's home folder is not to be lost by a slip of the pen.
    private static Result<Unit> IsOurs(string folder) => !Directory.Exists(folder) || !Directory.EnumerateFileSystemEntries(folder).Any() || s_ofExports.Any(name => File.Exists(Path.Combine(folder, name)))
        ? Unit.Value
        : new Fault.Run(FaultCodes.RunFolderTaken, "the folder holds other files than those of an export, which would replace them: name a new one", new SourcePlace(folder));
}
