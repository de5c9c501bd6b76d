using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>What a run will write to the disk at least.</summary>
/// <param name="Export">Bytes of the export.</param>
/// <param name="Checkpoint">Bytes of a checkpoint, without what the optimizer and other parts keep; 0 when none is taken.</param>
/// <param name="Kept">Checkpoints that lie on the disk together at most, the one that is being written included.</param>
internal sealed record DiskRoom(long Export, long Checkpoint, int Kept)
{
    /// <summary>Compares with the room there is. Too little for what must be there together, the export and one checkpoint, ends the run before it begins; too little for all checkpoints is a warning.</summary>
    /// <param name="free">Bytes that are free, or will be when the run begins.</param>
    /// <param name="folder">The run folder.</param>
    /// <returns><see cref="FaultCodes.NoRoom"/>, or the warning, if any.</returns>
    public Result<Fault?> Judge(long free, string folder)
    {
        var place = new SourcePlace(folder);
        var needs = Checkpoint > 0 ? $"the export takes {Megabytes(Export)} and a checkpoint at least {Megabytes(Checkpoint)}" : $"the export takes {Megabytes(Export)}";
        if (free < Export + Checkpoint) return Result.Fail<Fault?>(new Fault.Run(FaultCodes.NoRoom, $"{needs}, but the disk of this folder has {Megabytes(free)} free", place));
        // What an optimizer keeps is known when it has made an update: two moments are the rule, and as large as weights and average.
        var all = Export + (2 * Checkpoint * Kept);
        return Result.Ok<Fault?>(free >= all
            ? null
            : new Fault.Run(FaultCodes.NoRoom, $"{needs}; with up to {Kept} checkpoints and the state of the optimizer that may be {Megabytes(all)}, and the disk of this folder has {Megabytes(free)} free; checkpoint.keep says how many stay", place));
    }

    /// <summary>Bytes that are free for a folder that is there or will be made; null when the system does not tell.</summary>
    public static long? Free(string folder)
    {
        var there = Path.GetFullPath(folder);
        while (!Directory.Exists(there))
        {
            if (Path.GetDirectoryName(there) is not { } above) return null;
            there = above;
        }
        try
        {
            var drive = new DriveInfo(there);
            return drive.TotalSize > 0 ? drive.AvailableFreeSpace : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The bytes of all files below a folder; 0 when it is not there.</summary>
    public static long BytesBelow(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }).Sum(static file => file.Length) : 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static string Megabytes(long bytes) => FormattableString.Invariant($"{bytes / 1e6:0.0} MB");
}
