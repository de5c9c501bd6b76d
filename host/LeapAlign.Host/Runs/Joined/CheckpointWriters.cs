using System.Text.Json;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Joined;

/// <summary>Which processes of a run write its checkpoints: all where all see its folder, the first where some do not.</summary>
/// <param name="Shared">What this process writes; null where the first writes all.</param>
/// <param name="Words">Who writes, in words; null where there is one process, or no checkpoint.</param>
internal sealed record CheckpointWriters(SharedCheckpoints? Shared, string? Words)
{
    private const string MarkName = ".seen-by-all";
    private static readonly TimeSpan s_longestLook = TimeSpan.FromSeconds(2);

    /// <summary>Finds out, in all processes together.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="settings">Whether checkpoints are taken, and who may write.</param>
    /// <param name="folder">The folder of the run in the first process; null in the others.</param>
    /// <returns>What ended another process.</returns>
    public static Result<CheckpointWriters> Of(RunRanks ranks, CheckpointSettings settings, RunFolder? folder)
    {
        try
        {
            return Found(ranks, settings, folder);
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    private static CheckpointWriters Found(RunRanks ranks, CheckpointSettings settings, RunFolder? folder)
    {
        if (ranks.IsAlone || settings.Every < 0) return new CheckpointWriters(null, null);
        if (settings.Writers == CheckpointSettings.First) return new CheckpointWriters(null, "written by rank 0");
        var told = JsonSerializer.Deserialize<Mark>(ranks.OfFirst("where checkpoints go", () => JsonSerializer.SerializeToUtf8Bytes(Leave(folder!))))!;
        var held = ranks.Rank == 0 ? null : HeldFolder.Of(told.Run);
        var seen = folder ?? RunFolder.At(told.Run).On(new HeldDisk(held!, SystemDisk.Instance));
        var blind = ranks.Gather("who sees the run folder", [Sees(seen, told.Word, ranks.Rank) ? 0.0 : 1.0]).AsSpan().IndexOf(1.0);
        if (ranks.Rank == 0) RunFolder.Discard(PathOf(seen));
        if (blind < 0) return new CheckpointWriters(new SharedCheckpoints(ranks, seen.Stores.Checkpoints) { Held = held }, "written by all processes, each a share");
        held?.Dispose();
        return new CheckpointWriters(null, blind == 0 ? "written by rank 0" : $"written by rank 0, since rank {blind} does not see the run folder, or cannot write there");
    }

    // A word that nobody can know who does not read it there.
    private static Mark Leave(RunFolder folder)
    {
        var (store, word) = (folder.Stores.Checkpoints, Guid.NewGuid().ToString("N"));
        var left = store.Prepare().Bind(_ => WholeFile.Write(PathOf(folder), System.Text.Encoding.ASCII.GetBytes(word), store.Disk));
        return new Mark(folder.Path, left.IsOk ? word : "");
    }

    private static bool Sees(RunFolder folder, string word, int rank)
    {
        if (word.Length == 0) return false;
        // A network's file system may show it a moment later.
        for (var began = Environment.TickCount64; ; Thread.Sleep(50))
        {
            try
            {
                if (File.ReadAllText(PathOf(folder)) != word) return false;
                var own = $"{PathOf(folder)}-{rank}";
                return WholeFile.Write(own, new byte[1], folder.Disk).Map(_ => Removed(own)).IsOk;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (Environment.TickCount64 - began > s_longestLook.TotalMilliseconds) return false;
            }
        }
    }

    private static Unit Removed(string path)
    {
        RunFolder.Discard(path);
        return Unit.Value;
    }

    private static string PathOf(RunFolder folder) => Path.Combine(folder.Checkpoints, MarkName);

    /// <summary>What the first process leaves, and where.</summary>
    /// <param name="Run">The folder of the run.</param>
    /// <param name="Word">What is in the file; empty where it could not be written.</param>
    private sealed record Mark(string Run, string Word);
}
