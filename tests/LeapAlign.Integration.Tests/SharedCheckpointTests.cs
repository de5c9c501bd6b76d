using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Joined;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Checkpoints of which every process of a run writes a share: they hold what one process would have written, and runs go on from them with any number of processes.</summary>
public sealed class SharedCheckpointTests : IDisposable
{
    private readonly string _folder = MemoryFolder.Create("leapalign-shared-");

    [Theory]
    [InlineData(2, RunSettings.StateWhole)]
    [InlineData(2, RunSettings.StateSharded)]
    [InlineData(4, RunSettings.StateSharded)]
    public void They_hold_what_one_process_writes(int world, string states)
    {
        var settings = Settings(states);
        var alone = Trained("alone", OneProcess.Instance, settings);
        var all = ThreadedRanks.Run(world, communicator => Trained("all", communicator, settings));
        Assert.All(all, each => Assert.Equal(alone.Weights, each.Weights));
        Assert.Equal([3, 2], Store("all").Steps());
        foreach (var step in Store("all").Steps()) Assert.Equal(Contents(Store("alone"), step), Contents(Store("all"), step));
        // Every process wrote some of the weights.
        Assert.Contains($"policy-{world:D5}-of-{world:D5}.safetensors", Store("all").Describe(3).TryGet(out var manifest, out _) ? manifest.Files.Keys : []);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Store("all").Folder), static path => Path.GetFileName(path).StartsWith('.'));
    }

    [Theory]
    [InlineData(4, 1)]
    [InlineData(4, 2)]
    [InlineData(1, 4)]
    [InlineData(2, 2)]
    public void A_run_goes_on_with_another_number_of_processes(int before, int after)
    {
        var settings = Settings(RunSettings.StateSharded);
        var whole = Trained("whole", OneProcess.Instance, settings);
        Run(before, communicator => Trained("run", communicator, settings with { Steps = 2 }));
        var resumed = Run(after, communicator => Trained("run", communicator, settings, resumes: true));
        Assert.All(resumed, each => Assert.Equal(whole.Weights, each.Weights));
        Assert.Equal(Contents(Store("whole"), 3), Contents(Store("run"), 3));
    }

    [Fact]
    public void A_disk_that_refuses_a_share_ends_the_run_and_names_the_process()
    {
        var ended = ThreadedRanks.Run(2, communicator => Trained("run", communicator, Settings(RunSettings.StateSharded), disk: communicator.Rank == 1 ? new WatchedDisk(static path => Full(path.Contains("step-000002", StringComparison.Ordinal))) : null));
        Assert.All(ended, static each => Assert.Equal((FaultCodes.CannotWrite, 1), (each.Fault?.Code, each.Fault?.Rank)));
        Assert.Equal([1], Store("run").Steps());
        Assert.Equal(1, Store("run").Newest(static fault => Assert.Fail(fault.Message)).Match(static newest => newest.Step, static _ => 0));
    }

    [Fact]
    public void A_share_on_a_slow_disk_is_waited_for()
    {
        var ended = ThreadedRanks.Run(2, communicator => Trained("run", communicator, Settings(RunSettings.StateWhole), disk: communicator.Rank == 1 ? new WatchedDisk(static path =>
        {
            // The folder of a share is begun. Longer than the step that follows.
            if (path.EndsWith(".part-00001.partial", StringComparison.Ordinal) && path.Contains("step-000001", StringComparison.Ordinal)) Thread.Sleep(1500);
        }) : null));
        Assert.All(ended, static each => Assert.Null(each.Fault));
        Assert.Equal([3, 2], Store("run").Steps());
    }

    [Fact]
    public void A_disk_that_refuses_to_make_the_last_one_whole_leaves_it_to_the_first_process()
    {
        var moves = 0;
        // Shares are moved into their places in the first folder, which the disk refuses once: the states come to the first process, which writes them alone.
        var ended = ThreadedRanks.Run(2, communicator => Trained("run", communicator, Settings(RunSettings.StateSharded) with { Steps = 1 }, disk: communicator.Rank == 0 ? new WatchedDisk(to => Full(to.Contains("step-000001.partial", StringComparison.Ordinal) && to.EndsWith(".safetensors", StringComparison.Ordinal) && Interlocked.Increment(ref moves) == 1)) : null));
        Assert.Equal(2, ended.Length);
        Assert.True(moves > 0);
        Trained("alone", OneProcess.Instance, Settings(RunSettings.StateSharded) with { Steps = 1 });
        Assert.Equal(Contents(Store("alone"), 1), Contents(Store("run"), 1));
    }

    [Fact]
    public void A_fault_in_the_next_step_leaves_the_checkpoint_whose_shares_were_begun()
    {
        var ended = ThreadedRanks.Run(2, communicator => Trained("run", communicator, Settings(RunSettings.StateSharded), faults: communicator.Rank == 1 ? 1 : -1));
        Assert.All(ended, static each => Assert.Equal((FaultCodes.StepThrew, 1), (each.Fault?.Code, each.Fault?.Rank)));
        Trained("alone", OneProcess.Instance, Settings(RunSettings.StateSharded) with { Steps = 1 });
        Assert.Equal(Contents(Store("alone"), 1), Contents(Store("run"), 1));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Store("run").Folder), static path => Path.GetFileName(path).StartsWith('.'));
    }

    [Fact]
    public void A_step_that_was_refused_and_brought_the_states_together_is_followed_by_shares()
    {
        var ended = ThreadedRanks.Run(2, communicator => Trained("run", communicator, Settings(RunSettings.StateSharded), bad: 1));
        var alone = Trained("alone", OneProcess.Instance, Settings(RunSettings.StateSharded), bad: 1);
        Assert.All(ended, each =>
        {
            Assert.Null(each.Fault);
            Assert.Equal(alone.Weights, each.Weights);
        });
        foreach (var step in new[] { 2, 3 }) Assert.Equal(Contents(Store("alone"), step), Contents(Store("run"), step));
    }

    [Fact]
    public void All_write_where_all_see_the_folder()
    {
        var path = Directory.CreateDirectory(Path.Combine(_folder, "run")).FullName;
        string? Words(ICommunicator communicator, CheckpointSettings settings) => CheckpointWriters.Of(new RunRanks(communicator), settings, communicator.Rank == 0 ? RunFolder.At(path) : null).Match(
            static writers =>
            {
                using (writers.Shared) return (writers.Shared is null ? "first" : "all") + ": " + writers.Words;
            },
            static fault => fault.Message);
        Assert.All(ThreadedRanks.Run(2, communicator => Words(communicator, new CheckpointSettings())), static words => Assert.StartsWith("all: written by all", words, StringComparison.Ordinal));
        // What was tried is gone.
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(path, "checkpoints")));
        Assert.All(ThreadedRanks.Run(2, communicator => Words(communicator, new CheckpointSettings { Writers = CheckpointSettings.First })), static words => Assert.Equal("first: written by rank 0", words));
        Assert.All(ThreadedRanks.Run(2, communicator => Words(communicator, new CheckpointSettings { Every = -1 })), static words => Assert.Equal("first: ", words));
        Assert.Equal("first: ", Words(OneProcess.Instance, new CheckpointSettings()));
        // Rank 1 has another folder of the same name, in which the first process left nothing.
        Directory.CreateDirectory(Path.Combine(_folder, "RUN", "checkpoints"));
        Assert.All(ThreadedRanks.Run(2, communicator => Words(new Elsewhere(communicator), new CheckpointSettings())), static words => Assert.Equal("first: written by rank 0, since rank 1 does not see the run folder, or cannot write there", words));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private CheckpointStore Store(string name, IDisk? disk = null) => new(Path.Combine(_folder, name, "checkpoints"), disk);

    private static RunSettings Settings(string states) => new() { Steps = 3, Batch = 1, Accumulation = 4, Shards = 4, OptimizerState = states, AverageState = states, Ema = 0.9 };

    private static T[] Run<T>(int world, Func<ICommunicator, T> body) => world == 1 ? [body(OneProcess.Instance)] : ThreadedRanks.Run(world, body);

    private Outcome Trained(string name, ICommunicator communicator, RunSettings settings, bool resumes = false, IDisk? disk = null, int faults = -1, int bad = -1)
    {
        using var scope = NewDisposeScope();
        var plan = InProcessRun.Plan(settings).With(ScriptedRun.Algorithm(
            step => step.Index == faults ? throw new InvalidOperationException("the part broke") : step.Average(batch => RankTests.Loss(batch, step.Index == bad ? float.NaN : 1)), [])) with
        { Checkpoint = new CheckpointSettings { Every = 1 }, Guard = new GuardSettings { NotFinite = "skip" } };
        var ranks = new RunRanks(communicator);
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, ranks));
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, name)).FullName, "metrics.jsonl");
        var from = resumes && ranks.Rank == 0 ? Recording.Require(Store(name).Newest(static fault => Assert.Fail(fault.Message))) : null;
        using var metrics = ranks.Rank > 0 ? null : Recording.Require(from is null ? MetricsFile.Create(path) : MetricsFile.Resume(path, from.Manifest.Progress.MetricsBytes));
        using var checkpoints = metrics is null ? null : new RunCheckpoints((Store(name, disk), new CheckpointStore(Path.Combine(_folder, name, "faults"))), plan.Checkpoint, new RunIdentity(new JsonObject(), new ProgramBuild("1", "2", 3), []), metrics, TimeProvider.System);
        using var kernel = new RunKernel(plan, parts, CPU, metrics is null ? [] : [metrics], checkpoints);
        if (!ranks.IsAlone) kernel.Shared = new SharedCheckpoints(ranks, Store(name, disk));
        if (from is not null) Recording.Require(kernel.Resume(from));
        if (resumes) Recording.Require(kernel.ResumeAsFirst());
        var fault = kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault);
        return new Outcome([.. parts.Trained.Parameters.SelectMany(static parameter => parameter.Value.detach().flatten().data<float>().ToArray())], fault);
    }

    private static Dictionary<string, string> Contents(CheckpointStore store, int step)
    {
        var checkpoint = Recording.Require(store.Open(step));
        Dictionary<string, string> contents = [];
        foreach (var name in checkpoint.Manifest.States.Keys)
        {
            Recording.Require(checkpoint.With(name, state =>
            {
                contents.Add(name, $"{state.Version} {string.Join(", ", state.Numbers.OrderBy(static number => number.Key, StringComparer.Ordinal))}");
                foreach (var tensor in state.Tensors) contents.Add($"{name}/{tensor.Name}", $"{tensor.Value.dtype} [{string.Join(", ", tensor.Value.shape)}] {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(tensor.Value.bytes.ToArray()))}");
                return Result.Ok(Unit.Value);
            }));
        }
        return contents;
    }

    private static void Full(bool isFull)
    {
        if (isFull) throw new IOException("No space left on device");
    }

    private sealed record Outcome(float[] Weights, Fault? Fault);

    /// <summary>Processes on machines of which the second has another disk under the same name.</summary>
    private sealed class Elsewhere(ICommunicator inner) : ICommunicator
    {
        public string Description => inner.Description;

        public int Rank => inner.Rank;

        public int World => inner.World;

        public int LocalRank => inner.LocalRank;

        public int LocalWorld => inner.LocalWorld;

        public void Exchange(Tensor from, Tensor into) => inner.Exchange(from, into);

        public void Gather(Tensor from, Tensor into) => inner.Gather(from, into);

        public void Broadcast(Tensor sent, int root)
        {
            inner.Broadcast(sent, root);
            if (inner.Rank == 0 || sent.dtype != ScalarType.Byte) return;
            var text = Encoding.UTF8.GetString(sent.data<byte>().ToArray());
            using var changed = tensor(Encoding.UTF8.GetBytes(text.Replace("/run\"", "/RUN\"", StringComparison.Ordinal)), dtype: ScalarType.Byte);
            sent.copy_(changed);
        }

        public void Abort(int exitCode) => inner.Abort(exitCode);
    }
}
