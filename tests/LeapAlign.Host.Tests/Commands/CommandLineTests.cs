using System.Text.Json.Nodes;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Tests.Live;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Commands;

// SIGTERM, because the runner of the tests listens to SIGINT itself; both are handled by the same lines.
[Collection("process")]
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("'trian' is not a verb of", "did you mean 'train'?", "trian")]
    [InlineData("'--forse' is not an option of train", "did you mean '--force'?", "train", "--forse")]
    [InlineData("'--sett' is not an option of validate", "did you mean '--set'?", "validate", "--sett")]
    [InlineData("a verb is required", "'train'")]
    [InlineData("'colour'", "'model'", "list", "--kind", "colour")]
    [InlineData("id", "settings", "settings")]
    [InlineData("--set changes a run", "init writes", "init", "--set", "run.seed=1")]
    [InlineData("--set changes a run", "schema writes", "schema", "--set", "run.seed=1")]
    [InlineData("--set changes a run", "settings explains", "settings", "run", "--set", "run.seed=1")]
    [InlineData("--set changes a run", "report shows", "report", "runs/a", "-s", "run.seed=1")]
    [InlineData("--set changes a run", "list works on", "checkpoint", "list", "runs/a", "-s", "run.seed=1")]
    [InlineData("--set changes a run", "watch works on", "watch", "runs/a", "--set", "run.seed=1")]
    [InlineData("--set changes what parts require", "--kind algorithm", "list", "--set", "run.seed=1")]
    [InlineData("--steps must be 1 to 1000", "", "generate", "--steps", "0")]
    [InlineData("--seed must be 0 to", "", "generate", "--seed", "-3")]
    [InlineData("--size is a width and a height", "'512'", "generate", "--size", "512")]
    [InlineData("--size is a width and a height", "'0x512'", "generate", "--size", "0x512")]
    [InlineData("a caption is empty", "", "generate", "a cat", " ")]
    [InlineData("holds control characters", "'a\\u001b[1m cat'", "generate", "a\u001b[1m cat")]
    [InlineData("is not UTF-8", "'caf\uFFFD'", "generate", "caf\uFFFD")]
    [InlineData("holds a byte order mark", "", "generate", "\uFEFFa cat")]
    [InlineData("--count must be 1 to 1024", "", "generate", "--count", "0")]
    [InlineData("--seed is 'many'; expected a whole number", "", "generate", "--seed", "many")]
    [InlineData("--dashboard is 'often'; expected a whole number", "", "train", "--dashboard", "often")]
    [InlineData("--steps is '1.5'; expected a whole number", "", "generate", "--steps", "1.5")]
    [InlineData("--steps must be 1 to 1000", "99999999999999999999", "generate", "--steps", "99999999999999999999")]
    [InlineData("--step must be 1 to 2147483647", "3000000000", "replay", "runs/a", "--step", "3000000000")]
    [InlineData("--member is '3000000000'", "to 2147483647", "sweep", "sweep.json", "--member", "3000000000")]
    [InlineData("--guidance is '7,5'; expected a number", "", "generate", "a cat", "--guidance", "7,5")]
    [InlineData("--percentile is '9,5'; expected a number", "", "filter", "r.jsonl", "--clean", "c.jsonl", "--percentile", "9,5")]
    [InlineData("--keep must be 1 to 10000", "not 0", "checkpoint", "prune", "runs/a", "--keep", "0")]
    [InlineData("--step must be 1 to", "not 0", "checkpoint", "export", "runs/a", "--step", "0")]
    [InlineData("--step must be 1 to", "not -3", "replay", "runs/a", "--step", "-3")]
    [InlineData("--step must be 1 to", "not 0", "influence", "runs/a", "--step", "0")]
    [InlineData("--port must be 0 to 65535", "not 70000", "watch", "runs/a", "--port", "70000")]
    [InlineData("--jobs is 'all'; expected a whole number", "", "sweep", "sweep.json", "-j", "all")]
    [InlineData("there is no kind 'modle'", "did you mean 'model'?", "list", "--kind", "modle")]
    [InlineData("--output is given nothing", "<folder>", "generate", "a cat", "--output", "")]
    [InlineData("--output is given nothing", "<path>", "schema", "-o", "")]
    [InlineData("--config is given nothing", "", "validate", "-c", "")]
    [InlineData("--resume is given nothing", "", "train", "--resume", "")]
    [InlineData("is empty", "run", "report", "")]
    [InlineData("70000 is no port", "0 to 65535", "train", "--dashboard", "70000")]
    [InlineData("--penalty is for sites that fit together", "give --over, too", "fit", "head", "--scores", "s.jsonl", "--penalty", "1")]
    [InlineData("--updates and --over are both given", "sites fit the last layer", "fit", "head", "--scores", "s.jsonl", "--over", "ring", "--updates", "3")]
    [InlineData("--from and --over are both given", "--scores or --pairs", "fit", "head", "--from", "pixels", "--over", "ring")]
    [InlineData("--ridge solves for scores", "--pairs has none", "fit", "head", "--pairs", "p.jsonl", "--ridge")]
    [InlineData("--effects is about the layer that is solved for", "give --ridge, too", "fit", "head", "--scores", "s.jsonl", "--effects", "e.csv")]
    [InlineData("the pictures have no caption", "--captions", "score", "a.png")]
    [InlineData("are both given", "one of them", "score", "a.png", "--caption", "a cat", "--captions", "c.jsonl")]
    [InlineData("there is nothing to score", "pictures", "score", "--caption", "a cat")]
    [InlineData("both ask for standard output", "a file", "score", "a.png", "--caption", "a cat", "--json", "-", "--csv", "-")]
    [InlineData("a caption is empty", "", "score", "a.png", "--caption", " ")]
    [InlineData("is empty", "pictures", "score", "", "--caption", "a cat")]
    [InlineData("--reward is given nothing", "<name>", "score", "a.png", "--caption", "a cat", "--reward", "")]
    public void A_misspelt_command_is_a_fault_with_a_hint(string words, string hint, params string[] arguments)
    {
        var terminal = new TestTerminal();
        Assert.Equal(2, terminal.Run(TestWorkspace.BuiltPlugins, arguments));
        Assert.StartsWith("error LA1009: command line: ", terminal.Error, StringComparison.Ordinal);
        Assert.Contains(words, terminal.Error, StringComparison.Ordinal);
        Assert.Contains(hint, terminal.Error, StringComparison.Ordinal);
        Assert.Single(terminal.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_file_of_captions_is_no_caption()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var file = Path.Combine(workspace.Folder, "captions.CSV");
        File.WriteAllText(file, "prompt\na cat\n");
        var terminal = new TestTerminal();
        Assert.Equal(2, terminal.Run(TestWorkspace.BuiltPlugins, "generate", file));
        Assert.Contains("--set evaluation.prompts.settings.path=", terminal.Error, StringComparison.Ordinal);
        terminal = new();
        Assert.Equal(2, terminal.Run(TestWorkspace.BuiltPlugins, "score", "a.png", "--caption", file));
        Assert.Contains("--captions ", terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("train", "--help")]
    [InlineData("generate", "-h")]
    [InlineData("watch", "--help")]
    [InlineData("list", "--help")]
    [InlineData("settings", "--help")]
    [InlineData("validate", "--help")]
    [InlineData("init", "--help")]
    [InlineData("schema", "--help")]
    [InlineData("doctor", "--help")]
    public void Help_is_everywhere(params string[] arguments)
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(TestWorkspace.BuiltPlugins, arguments));
        Assert.Contains("Usage:", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("--set", terminal.Output, StringComparison.Ordinal);
        Assert.Empty(terminal.Error);
    }

    [Fact]
    public void Train_gets_the_composed_plan_and_unloads_afterwards()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run("none", "train", "-c", workspace.Config, "--name", "12", "--force", "--set", "run.seed=9", "--set", "run.threads=1"));
        Assert.True(terminal.Trained!.Force);
        Assert.Equal(1, terminal.Trained.Tuning.Threads);
        var run = JsonNode.Parse(terminal.Resolved!)!["run"]!;
        Assert.Equal(("12", 9), (run["name"]!.GetValue<string>(), run["seed"]!.GetValue<int>()));
        Assert.Empty(terminal.Error);
    }

    [Fact]
    public void Generate_gets_captions_and_another_model_folder()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal();
        var code = terminal.Run("none", "generate", "a cat", "@home", "-c", workspace.Config, "--model", "other \"folder\"", "--seed", "7", "--steps", "3", "--guidance", "4.5",
            "--size", "64x32", "-n", "2", "-o", "out");
        Assert.Equal(0, code);
        Assert.Equal(["a cat", "@home"], terminal.Generated!.Captions);
        Assert.Equal(new LeapAlign.Contracts.Models.ImageSize(64, 32), terminal.Generated.Size);
        Assert.Equal((7L, 3, 2, Path.GetFullPath("out")), (terminal.Generated.Seed, terminal.Generated.Steps!.Value, terminal.Generated.ImagesPerPrompt, terminal.Generated.Output));
        var resolved = JsonNode.Parse(terminal.Resolved!)!;
        Assert.Equal(Path.GetFullPath("other \"folder\""), resolved["model"]!["settings"]!["folder"]!.GetValue<string>());
        Assert.Equal(4.5, resolved["guidance"]!["scale"]!.GetValue<double>());
    }

    [Fact]
    public void A_fault_of_the_run_is_printed_and_is_the_exit_code()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal { Outcome = _ => new Fault.Run(FaultCodes.NotFinite, "the loss is NaN at step 3") };
        Assert.Equal(6, terminal.Run("none", "train", "-c", workspace.Config));
        Assert.Equal("error LA5003: the loss is NaN at step 3\n", terminal.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_nobody_expected_ends_with_70_and_a_stack_when_asked(bool verbose)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal { Outcome = _ => throw new InvalidOperationException("impossible") };
        string[] further = verbose ? ["--verbose"] : [];
        Assert.Equal(CommandLine.Unexpected, terminal.Run("none", ["train", "-c", workspace.Config, .. further]));
        Assert.StartsWith("error: InvalidOperationException: impossible", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(verbose, terminal.Error.Contains("   at ", StringComparison.Ordinal));
    }

    // 10 is SIGUSR1, which Slurm sends where a job says so.
    [Theory]
    [InlineData(15)]
    [InlineData(10)]
    public async Task The_first_signal_asks_to_stop(int signal)
    {
        using var error = new Heard();
        using var interruption = new Interruption(error);
        Assert.False(interruption.Token.IsCancellationRequested);
        Assert.Equal(0, Kill(Environment.ProcessId, signal));
        Assert.True(interruption.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
        // The request comes first, and its words after it.
        Assert.StartsWith("stopping after this step", await error.Line.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
    }

    [Fact]
    public void What_follows_the_first_signal_at_once_is_the_same_request()
    {
        using var error = new StringWriter();
        var time = new ManualTime();
        using var interruption = new Interruption(error, time: time);
        Assert.True(interruption.Hear());
        Assert.True(interruption.Hear());
        time.Advance(Interruption.Same - TimeSpan.FromMilliseconds(1));
        Assert.True(interruption.Hear());
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(interruption.Hear());
        Assert.Single(error.ToString().TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_part_that_fails_when_it_is_asked_to_stop_and_a_terminal_that_takes_no_text_keep_no_request_back()
    {
        using var error = new Deaf();
        using var interruption = new Interruption(error);
        error.Asked = interruption.Token;
        using var failing = interruption.Token.Register(static () => throw new InvalidOperationException("not now"));
        Assert.True(interruption.Hear());
        Assert.True(error.WasAsked);
    }

    [Fact]
    public void An_interrupted_run_ends_with_130()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal
        {
            Outcome = stop =>
            {
                Assert.Equal(0, Kill(Environment.ProcessId, 15));
                Assert.True(stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
                return Completion.Interrupted;
            },
        };
        Assert.Equal(130, terminal.Run("none", "train", "-c", workspace.Config));
        Assert.DoesNotContain("nothing was left to stop", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_done_when_it_was_asked_to_stop_ends_with_0_and_says_so()
    {
        var (code, error) = Stopped(static _ => Completion.Whole);
        Assert.Equal(0, code);
        Assert.Contains("nothing was left to stop: it had come to its end\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_gives_up_because_it_was_asked_to_stop_ends_with_130() =>
        Assert.Equal(130, Stopped(static stop => throw new OperationCanceledException(stop)).Code);

    private static (int Code, string Error) Stopped(Func<CancellationToken, Result<Completion>> outcome)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal
        {
            Outcome = stop =>
            {
                Assert.Equal(0, Kill(Environment.ProcessId, 15));
                Assert.True(stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
                return outcome(stop);
            },
        };
        return (terminal.Run("none", "train", "-c", workspace.Config), terminal.Error);
    }

    private sealed class Heard : StringWriter
    {
        private readonly TaskCompletionSource<string> _line = new();

        public Task<string> Line => _line.Task;

        public override void WriteLine(string? value) => _line.TrySetResult(value ?? "");
    }

    private sealed class Deaf : StringWriter
    {
        public CancellationToken Asked { get; set; }

        public bool WasAsked { get; private set; }

        public override void WriteLine(string? value)
        {
            WasAsked = Asked.IsCancellationRequested;
            throw new IOException("gone");
        }
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
