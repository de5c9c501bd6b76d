using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>What the end of a run needs, tried before its first step: the model's export, room on the disk, and folders that can be written.</summary>
internal static class Rehearsal
{
    private const int Fp32Bytes = 4;

    /// <summary>Checks export and room. A run that begins has no folder yet: one that cannot end leaves nothing behind.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="parts">Its parts.</param>
    /// <param name="folder">The run folder that is there, or that will be made.</param>
    /// <param name="freed">Bytes that become free when the run begins.</param>
    /// <param name="warn">Takes what the run can live with.</param>
    public static Result<Unit> Check(RunPlan plan, RunParts parts, string folder, long freed, Action<Fault> warn) =>
        from export in ExportBytes(plan, parts, folder)
        from tight in DiskRoom.Free(folder) is { } free ? Room(plan, parts, export).Judge(free + freed, folder) : Result.Ok<Fault?>(null)
        select Warned(tight, warn);

    /// <summary>Checks what an export needs that is not at the end of a run.</summary>
    /// <param name="model">What is exported.</param>
    /// <param name="settings">In which precision and form.</param>
    /// <param name="folder">Where it goes.</param>
    public static Result<Unit> Check(TrainedModel model, ExportSettings settings, string folder) =>
        from bytes in Bytes(model, settings)
        from room in DiskRoom.Free(folder) is { } free ? new DiskRoom(bytes ?? 0, 0, 0).Judge(free, folder) : Result.Ok<Fault?>(null)
        select Unit.Value;

    /// <summary>Tries the folders that the run writes at its end.</summary>
    public static Result<Unit> Folders(RunFolder folder) =>
        from export in WholeFolder.Rehearse(folder.Export)
        from adapter in WholeFolder.Rehearse(folder.Adapter)
        from checkpoints in Directory.Exists(folder.Checkpoints) ? WholeFolder.Rehearse(Path.Combine(folder.Checkpoints, "rehearsal")) : Unit.Value
        select checkpoints;

    private static Result<long> ExportBytes(RunPlan plan, RunParts parts, string folder)
    {
        return Bytes(parts.TrainedModel, plan.Export).Bind(bytes => bytes is { } known ? known : Trial(parts, Dtype.Parse(plan.Export.Dtype), folder));
    }

    private static Result<long?> Bytes(TrainedModel model, ExportSettings settings) => model.Adapter is not { } adapter
        ? model.CheckExport(Dtype.Parse(settings.Dtype))
        : settings.Merged ? model.CheckExport(Dtype.Parse(settings.Dtype)).Map(bytes => bytes + adapter.Bytes) : Result.Ok<long?>(adapter.Bytes);

    // Beside the run folder, on its disk.
    private static Result<long> Trial(RunParts parts, ScalarType? type, string folder)
    {
        var parent = Path.GetDirectoryName(folder)!;
        var trial = Path.Combine(parent, $".{Path.GetFileName(folder)}.rehearsal");
        try
        {
            using var scope = NewDisposeScope();
            return from made in RunFolder.Make(parent)
                   from written in parts.TrainedModel.Export(trial, [.. parts.Trained.Parameters.Select(static parameter => parameter.Value.detach())], type)
                   select DiskRoom.BytesBelow(trial);
        }
        finally
        {
            RunFolder.Discard(trial);
        }
    }

    private static DiskRoom Room(RunPlan plan, RunParts parts, long export)
    {
        if (plan.Checkpoint.Every < 0) return new DiskRoom(export, 0, 0);
        var weights = parts.Trained.Parameters.Sum(static parameter => parameter.Value.numel()) * Fp32Bytes;
        // The weights, their average, and each copy of an algorithm. The best one and the one that is being written come to those that stay.
        return new DiskRoom(export, weights * (2 + parts.Algorithm.Copies.Count), plan.Checkpoint.Keep + 2);
    }

    private static Unit Warned(Fault? fault, Action<Fault> warn)
    {
        if (fault is not null) warn(fault);
        return Unit.Value;
    }
}
