using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Commands.Streams;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Runs.Joined;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Ranks;

/// <summary>What is found out about the processes of a run before a weight is read.</summary>
public sealed class JoiningTests
{
    [Theory]
    [InlineData("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_SIZE=2 PMIX_RANK=1", Launcher.OpenMpi, 1, 4, 2)]
    [InlineData("PMI_RANK=3 PMI_SIZE=4 MPI_LOCALNRANKS=4", Launcher.Hydra, 3, 4, 4)]
    [InlineData("SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=7 SLURM_NODEID=2 SLURM_STEP_TASKS_PER_NODE=2(x2),3 PMI_RANK=5 PMI_SIZE=7", Launcher.Slurm, 5, 7, 3)]
    [InlineData("SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_TASKS_PER_NODE=2", Launcher.Slurm, 0, 2, 2)]
    [InlineData("PMIX_RANK=1", Launcher.PmiX, 1, null, null)]
    [InlineData("RANK=1 WORLD_SIZE=2 LOCAL_WORLD_SIZE=2", Launcher.TorchRun, 1, 2, 2)]
    public void Launchers_are_known_by_their_variables(string variables, string name, int rank, int? world, int? local)
    {
        var set = variables.Split(' ').Select(static pair => pair.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]);
        Assert.Equal(new Launcher(name, rank, world, local), Launcher.Of(set.GetValueOrDefault));
    }

    [Theory]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=4")]
    [InlineData("RANK=1")]
    [InlineData("PMI_RANK=x PMI_SIZE=2")]
    [InlineData("HOME=/")]
    public void Other_variables_start_nothing(string variables)
    {
        var set = variables.Split(' ').Select(static pair => pair.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]);
        Assert.Null(Launcher.Of(set.GetValueOrDefault));
    }

    [Fact]
    public void Several_processes_without_a_collective_are_refused()
    {
        var fault = JoinedProcesses.Launched(new Launcher(Launcher.OpenMpi, 2, 4, 4));
        Assert.Equal((FaultCodes.LaunchedAlone, 4), (fault?.Code, fault?.ExitCode));
        Assert.Contains("mpirun of Open MPI started 4 processes", fault!.Message, StringComparison.Ordinal);
        Assert.Contains("\"expectedWorldSize\": 4", Assert.Single(fault.Advice), StringComparison.Ordinal);
        Assert.NotNull(JoinedProcesses.Launched(new Launcher(Launcher.PmiX, 0, null, null)));
        Assert.Null(JoinedProcesses.Launched(new Launcher(Launcher.OpenMpi, 0, 1, 1)));
        Assert.Null(JoinedProcesses.Launched(null));
    }

    [Theory]
    [InlineData(4, 4, 4, null)]
    [InlineData(1, 8, 4, null)]
    [InlineData(4, 8, null, null)]
    [InlineData(4, 2, null, "for the same 32 samples set run.batch to 8 and run.accumulation to 4")]
    [InlineData(3, 4, 4, "start 1, 2 or 4 processes, or leave run.shards out, which makes one shard for each process")]
    [InlineData(4, 4, 2, "start 1 or 2 processes, or set run.shards to 4")]
    [InlineData(1, 6, 4, "for the same 96 samples set run.batch to 24 and run.accumulation to 4")]
    [InlineData(1, 6, 6, "it is a power of two, such as 8")]
    [InlineData(8, 5, 8, "for the same 80 samples set run.batch to 10 and run.accumulation to 8")]
    public void A_step_is_shared_evenly_or_not_at_all(int world, int accumulation, int? shards, string? refused)
    {
        var share = ThreadedRanks.Run(world, communicator => StepShare.Of(new RunSettings { Batch = 16, Accumulation = accumulation, Shards = shards }, new RunRanks(communicator)));
        if (refused is not null)
        {
            Assert.All(share, each => Assert.Contains(refused, each.Match(static _ => "", static fault => fault.Message), StringComparison.Ordinal));
            return;
        }
        var shares = share.Select(Recording.Require).ToList();
        Assert.Equal(Enumerable.Range(0, accumulation), shares.SelectMany(static each => Enumerable.Range(each.First, each.Batches)));
        Assert.All(shares, each => Assert.Equal((shards ?? world, (shards ?? world) / world), (each.AllShards, each.Shards)));
    }

    [Fact]
    public void The_first_difference_between_processes_is_named_with_its_rank()
    {
        static ProcessTraits Traits(string configuration, string plugin) => new(new Dictionary<string, string> { [ProcessTraits.Configuration] = configuration, ["the plugin 'clip'"] = plugin });
        var one = Traits("""{ "run": { "seed": 1 } }""", "0.1");
        Assert.Null(JoinedProcesses.Difference([one, ProcessTraits.Read(one.ToBytes()), one]));
        var seed = JoinedProcesses.Difference([one, one, Traits("""{ "run": { "seed": 2 } }""", "0.1")]);
        Assert.Equal((FaultCodes.RanksUnlike, 2), (seed?.Code, seed?.Rank));
        Assert.Contains("run.seed is 1 in rank 0 and 2 in rank 2", seed!.Message, StringComparison.Ordinal);
        var plugin = JoinedProcesses.Difference([one, Traits("""{ "run": { "seed": 1 } }""", "0.2"), one]);
        Assert.Equal("the plugin 'clip' is 0.2, and 0.1 in rank 0: the processes of a run are alike, or they would train different weights", plugin?.Message);
        var absent = JoinedProcesses.Difference([one, new ProcessTraits(new Dictionary<string, string> { [ProcessTraits.Configuration] = one.Values[ProcessTraits.Configuration] })]);
        Assert.StartsWith("the plugin 'clip' is absent, and 0.1 in rank 0", absent?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    [InlineData(9 << 20)]
    public void A_file_that_was_trained_further_has_another_digest(int length)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var path = Path.Combine(folder.FullName, "weights");
            var bytes = new byte[length];
            new Random(1).NextBytes(bytes);
            File.WriteAllBytes(path, bytes);
            var digest = FileSample.Digest(path);
            Assert.Equal(digest, FileSample.Digest(path));
            File.WriteAllBytes(path, [.. bytes, 0]);
            Assert.NotEqual(digest, FileSample.Digest(path));
            if (length == 0) return;
            foreach (var at in new[] { 0, length - 1 })
            {
                bytes[at] ^= 1;
                File.WriteAllBytes(path, bytes);
                Assert.NotEqual(digest, FileSample.Digest(path));
                bytes[at] ^= 1;
            }
            Assert.Contains("not to be read", FileSample.Digest(Path.Combine(folder.FullName, "none")), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(8, null, 8)]
    [InlineData(8, 4, 2)]
    [InlineData(2, 4, 1)]
    [InlineData(7, 2, 3)]
    public void Processes_of_one_machine_share_its_processors(int processors, int? local, int threads) =>
        Assert.Equal(threads, StartupTuning.ThreadsFor(processors, local is null ? null : new Launcher(Launcher.OpenMpi, 0, local, local)));

    [Theory]
    [InlineData("0-3", "0-7", true)]
    [InlineData("0-7", "0-7", false)]
    [InlineData("0-7", null, false)]
    public void A_launcher_that_binds_has_divided_them(string own, string? parent, bool bound)
    {
        var root = Directory.CreateTempSubdirectory();
        try
        {
            Directory.CreateDirectory(Path.Combine(root.FullName, "proc/self"));
            Directory.CreateDirectory(Path.Combine(root.FullName, "proc/42"));
            File.WriteAllText(Path.Combine(root.FullName, "proc/self/status"), $"Name:\tx\nPPid:\t42\nCpus_allowed_list:\t{own}\n");
            if (parent is not null) File.WriteAllText(Path.Combine(root.FullName, "proc/42/status"), $"Cpus_allowed_list:\t{parent}\n");
            Assert.Equal(bound, Processors.IsBoundBy(root.FullName + "/"));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void Every_line_of_a_process_begins_with_its_rank()
    {
        using var text = new StringWriter();
        using (var writer = new RankWriter(text, 3))
        {
            writer.Write("one");
            writer.WriteLine(" line");
            writer.Write("two\nthree\n");
            writer.Write("four");
            writer.Flush();
        }
        Assert.Equal("[rank 3] one line\n[rank 3] two\n[rank 3] three\n[rank 3] four", text.ToString());
    }
}
