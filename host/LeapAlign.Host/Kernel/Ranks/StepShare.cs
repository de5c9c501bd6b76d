using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>What a process does of a step: some of its shards, each of some of its micro-batches. Those of rank r come after those of rank r - 1.</summary>
/// <param name="First">The first of its micro-batches, by its place in the step.</param>
/// <param name="Batches">How many it has.</param>
/// <param name="Shards">How many shards they are.</param>
/// <param name="AllShards">The shards of the step.</param>
internal sealed record StepShare(int First, int Batches, int Shards, int AllShards)
{
    /// <summary>The share of a process.</summary>
    /// <inheritdoc cref="Of(RunSettings, int, int)"/>
    public static Result<StepShare> Of(RunSettings run, RunRanks ranks) => Of(run, ranks.Rank, ranks.World);

    /// <summary>The share of a process.</summary>
    /// <param name="run">The step.</param>
    /// <param name="rank">The process, among those that train.</param>
    /// <param name="world">The processes that train.</param>
    /// <returns>LA3006 when the processes cannot share the step evenly, with sizes at which they can.</returns>
    public static Result<StepShare> Of(RunSettings run, int rank, int world)
    {
        var shards = run.Shards ?? world;
        if (run.Shards is { } said && !System.Numerics.BitOperations.IsPow2(said)) return Unfit(world, $"run.shards is {said}; it is a power of two, such as {NextPower(said)}", "run.shards");
        if (shards % world != 0) return Unfit(world, $"{world} processes cannot share the {shards} shards of a step (run.shards) evenly: start {Divisors(shards)} processes, or {Fitting(world)}", "run.shards");
        if (run.Accumulation % shards != 0)
        {
            var samples = (long)run.Batch * run.Accumulation;
            var cut = samples % shards == 0 ? $"for the same {samples} samples set run.batch to {samples / shards} and run.accumulation to {shards}" : $"set run.accumulation to {(run.Accumulation + shards - 1) / shards * shards}";
            return Unfit(world, $"the {run.Accumulation} micro-batches of a step (run.accumulation) are not a multiple of its {shards} shards{(run.Shards is null ? ", one for each process" : "")}: {cut}", "run.accumulation");
        }
        var own = run.Accumulation / world;
        return new StepShare(rank * own, own, shards / world, shards);
    }

    private static string Divisors(int shards)
    {
        int[] all = [.. Enumerable.Range(1, shards).Where(count => shards % count == 0)];
        return all.Length == 1 ? "1" : $"{string.Join(", ", all[..^1])} or {all[^1]}";
    }

    // No power of two is a multiple of three processes; without the key there is one shard for each of them.
    private static string Fitting(int world) => System.Numerics.BitOperations.IsPow2(world) ? $"set run.shards to {world}" : "leave run.shards out, which makes one shard for each process";

    private static int NextPower(int world) => (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)world);

    // What every process finds alike is told by the first.
    private static Fault.Composition Unfit(int world, string message, string key) => new(FaultCodes.WorldSize, message, new SourcePlace("plugins.json", Key: key)) { Rank = world == 1 ? null : 0 };
}
