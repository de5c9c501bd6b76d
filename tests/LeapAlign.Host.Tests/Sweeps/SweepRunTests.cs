using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Tests.Sweeps;

/// <summary>Which members of a sweep begin, go on and are passed over, and what is told of them; the processes are played.</summary>
public sealed class SweepRunTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid);
    private readonly Played _played = new();
    private readonly StringBuilder _output = new(), _error = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_member_begins_goes_on_or_is_passed_over_by_what_its_folder_says()
    {
        Made(0, RunState.Completed);
        Made(1, RunState.Interrupted, checkpoint: true);
        Made(2, RunState.Faulted, checkpoint: false);
        Made(3, RunState.Died, checkpoint: true);
        // A record that nobody holds any more, of a process that was killed with its witness.
        Made(4, RunState.Running, checkpoint: true);
        var members = Members(6);
        Assert.Equal(
            [RunStanding.Finished, RunStanding.Stopped, RunStanding.Left, RunStanding.Stopped, RunStanding.Stopped, RunStanding.New],
            members.Select(static member => member.Standing));
        Assert.Equal(Completion.Whole, Run(members).Value());
        Assert.Equal(5, _played.Started.Count);
        Assert.Equal(["--resume", FolderOf(1).Path], _played.Started[0].Arguments.TakeLast(2));
        Assert.Equal(["run.name=\"seed=2\"", "--force"], _played.Started[1].Arguments.TakeLast(2));
        Assert.Equal(["--set", "run.name=\"seed=5\""], _played.Started[4].Arguments.TakeLast(2));
        Assert.Equal(["train", "--config", _workspace.Config, "--set", "run.seed=5", "--set", $"run.folder={JsonValue.Create(Path.Combine("runs", "sweep")).ToJsonString()}"], _played.Started[4].Arguments.Take(7));
        Assert.Equal($"{FolderOf(5).Path}.log", _played.Started[4].Log);
        Assert.Null(_played.Started[4].Processors);
        Assert.Contains("[1/6] seed=0: finished before", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("[2/6] seed=1: goes on", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("[6/6] seed=5: begins", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Members_have_the_overrides_of_the_command_line_before_their_own()
    {
        Assert.Equal(Completion.Whole, Run(Members(1), set: ["run.steps=3", "run.seed=9"]).Value());
        Assert.Equal(["--set", "run.steps=3", "--set", "run.seed=9", "--set", "run.seed=0", "--set"], _played.Started[0].Arguments.Skip(3).Take(7));
    }

    [Fact]
    public void A_member_that_another_process_works_on_is_left_to_it()
    {
        Made(0, RunState.Running, checkpoint: true);
        using var held = FolderOf(0).Lock().Value();
        Assert.Equal(Completion.Whole, Run(Members(1)).Value());
        Assert.Empty(_played.Started);
        Assert.Contains("another process works on it", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("0 of 1 members have come to their end, other processes work on 1", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_looked_at_again_when_its_turn_comes()
    {
        var members = Members(2);
        _played.Act = (_, _) =>
        {
            Made(1, RunState.Completed);
            return new MemberEnd(0, null);
        };
        Assert.Equal(Completion.Whole, Run(members).Value());
        Assert.Single(_played.Started);
    }

    [Fact]
    public void Members_that_fail_are_told_at_the_end_and_the_others_come_to_theirs()
    {
        _played.Act = static (start, _) => start.Arguments.Contains("run.seed=1")
            ? new MemberEnd(6, "error LA5003: the loss is not finite")
            : start.Arguments.Contains("run.seed=2") ? new MemberEnd(137, null) : new MemberEnd(0, null);
        var fault = Run(Members(4)).Fault(FaultCodes.MembersFailed, "2 of 4 members failed: seed=1, seed=2");
        Assert.Equal(6, fault.ExitCode);
        Assert.Equal(4, _played.Started.Count);
        Assert.Equal("member 1, 'seed=1': error LA5003: the loss is not finite\nmember 2, 'seed=2': its process ended with exit code 137\n", _error.ToString());
    }

    [Fact]
    public void Nothing_begins_where_a_member_would_go_on_under_another_configuration()
    {
        Made(1, RunState.Completed);
        Made(2, RunState.Interrupted, checkpoint: true);
        var members = Members(3);
        var steps = new ChangedKey("run.steps", "1", "2");
        IReadOnlyList<PlannedMember> changed = [members[0], members[1] with { Changes = [steps] }, members[2] with { Changes = [steps] }];
        Run(changed).Fault(FaultCodes.ConfigurationChanged, FolderOf(1).Path, "run.steps (1 then, 2 now)", "(member 1, 'seed=1')", "2 members of the sweep have changed");
        Assert.Empty(_played.Started);
        // Allowed, a finished one goes on as well.
        Assert.Equal(Completion.Whole, Run(changed, allowed: "run.steps").Value());
        Assert.Equal(3, _played.Started.Count);
        Assert.Equal(["--resume", FolderOf(1).Path, "--allow-change", "run.steps"], _played.Started[1].Arguments.TakeLast(4));
    }

    [Fact]
    public void After_a_request_to_stop_no_member_begins_and_those_under_way_are_asked()
    {
        using var stop = new CancellationTokenSource();
        _played.Act = (_, asked) =>
        {
            stop.Cancel();
            return new MemberEnd(asked.IsCancellationRequested ? 130 : 0, null);
        };
        Assert.Equal(Completion.Interrupted, Run(Members(3), stop: stop).Value());
        Assert.Single(_played.Started);
        Assert.Contains("0 of 3 members have come to their end; the same command goes on", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_many_run_at_once_as_are_asked_for_and_processors_are_divided()
    {
        var (now, most) = (0, 0);
        using var three = new CountdownEvent(3);
        _played.Wait = async () =>
        {
            var here = Interlocked.Increment(ref now);
            lock (three) most = Math.Max(most, here);
            if (!three.IsSet) three.Signal();
            // All three have to be there at once, or this never ends.
            await Task.Run(three.Wait);
            Interlocked.Decrement(ref now);
        };
        Assert.Equal(Completion.Whole, (await Task.Run(() => Run(Members(6), jobs: 3), TestContext.Current.CancellationToken)).Value());
        Assert.Equal(3, most);
        Assert.Equal(6, _played.Started.Count);
        var processors = Host.Runtime.Processors.Here.Threads;
        Assert.All(_played.Started, start => Assert.Equal(Math.Max(1, processors / 3), start.Processors));
    }

    private Result<Completion> Run(IReadOnlyList<PlannedMember> members, string? allowed = null, int jobs = 1, CancellationTokenSource? stop = null, IReadOnlyList<string>? set = null)
    {
        using var output = new StringWriter(_output);
        using var error = new StringWriter(_error) { NewLine = "\n" };
        var terminal = new Terminal(AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(output) }), error);
        var sweep = new Sweep("sweep.json", "sweep", _workspace.Config, [.. members.Select(static member => member.Member)]) { Set = set ?? [] };
        return new SweepRun(_played, terminal, TimeProvider.System).Run(sweep, members, new SweepOptions(jobs, allowed is null ? [] : [allowed]), stop?.Token ?? CancellationToken.None);
    }

    private RunFolder FolderOf(int seed) => RunFolder.At(Path.Combine(_workspace.Folder, "runs", "sweep", $"seed={seed}"));

    private List<PlannedMember> Members(int count) =>
    [
        .. Enumerable.Range(0, count).Select(seed => new PlannedMember(
            new SweepMember(seed, $"seed={seed}", [new SweepSet("run.seed", JsonValue.Create(seed), new SourcePlace("sweep.json"))]), FolderOf(seed), RunStandings.Of(FolderOf(seed)))),
    ];

    private void Made(int seed, RunState state, bool checkpoint = false)
    {
        var folder = FolderOf(seed);
        Directory.CreateDirectory(folder.Path);
        var when = DateTimeOffset.UnixEpoch;
        File.WriteAllBytes(folder.Record, new RunRecord("0", when, when, state, null, new Dictionary<string, string>(), []).ToJson());
        if (checkpoint) Directory.CreateDirectory(Path.Combine(folder.Checkpoints, "step-000001"));
    }

    private sealed class Played : IMemberProcess
    {
        private readonly List<MemberStart> _started = [];

        public Func<MemberStart, CancellationToken, Result<MemberEnd>> Act { get; set; } = static (_, _) => new MemberEnd(0, null);

        public Func<Task> Wait { get; set; } = static () => Task.CompletedTask;

        public IReadOnlyList<MemberStart> Started => _started;

        public async Task<Result<MemberEnd>> Run(MemberStart start, CancellationToken stop)
        {
            lock (_started) _started.Add(start);
            await Wait();
            return Act(start, stop);
        }

        public void EndAll()
        {
        }
    }
}
