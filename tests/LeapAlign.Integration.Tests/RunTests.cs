using System.Diagnostics;
using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Interruptions;

namespace LeapAlign.Integration.Tests;

/// <summary>Whole runs of the built program.</summary>
public sealed class RunTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public void Train_writes_everything_it_promises_and_generate_opens_the_export()
    {
        var outcome = _workspace.Leapalign("train");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains("step 2/2", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("judge", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("LA2010", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(["evaluation", "step", "evaluation", "step", "evaluation"], _workspace.Lines("small").Select(static line => (string)line["kind"]!));
        Assert.All(_workspace.Lines("small", "step"), static line =>
        {
            Assert.Equal(4, (int)line["evaluations"]!);
            Assert.True((double)line["gradientNorm"]! > 0);
        });
        var resolved = JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "small", "plugins.resolved.json")))!;
        Assert.Equal(0.3, (double)resolved["algorithm"]!["settings"]!["alpha"]!);
        foreach (var step in new[] { 0, 1, 2 }) Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(_workspace.At("runs", "small", "samples", $"step-{step:D4}.png"))[1..4]);
        var generated = _workspace.Leapalign("generate", "a red circle", "--model", _workspace.At("runs", "small", "export"), "--output", "pictures", "--steps", "2", "--seed", "7", "--count", "2");
        Assert.True(generated.ExitCode == 0, generated.Error);
        Assert.Equal(2, Directory.GetFiles(_workspace.At("pictures"), "*.png").Length);
    }

    [Fact]
    public void The_resolved_file_gives_the_same_run_again_and_two_runs_are_byte_identical()
    {
        // In two threads, as most machines have them or more; other runs here take one.
        Succeed("train", "--name", "first", "--set", "run.threads=2");
        Succeed("train", "--name", "second", "--set", "run.threads=2");
        File.Copy(_workspace.At("runs", "first", "plugins.resolved.json"), _workspace.At("resolved.json"));
        Succeed("train", "--config", "resolved.json", "--name", "third");
        foreach (var other in new[] { "second", "third" }) Digest.AssertSame(Run("first"), Run(other));
        Succeed("train", "--name", "other-seed", "--set", "run.seed=1", "--set", "run.threads=2");
        Assert.NotEqual(Digest.Weights(Run("first")), Digest.Weights(Run("other-seed")));
    }

    [Fact]
    public void Accumulated_micro_batches_take_the_same_prompts()
    {
        Succeed("train", "--set", "run.accumulation=2", "--set", "run.batch=1");
        Assert.All(_workspace.Lines("small", "step"), static line => Assert.Equal(4, (int)line["evaluations"]!));
    }

    [Fact]
    public void A_run_that_exists_is_never_written_over_unless_forced()
    {
        Succeed("train", "--set", "run.steps=1", "--set", "evaluation.every=-1");
        _workspace.Write(Path.Combine("runs", "small", "mine.txt"), "keep");
        Succeed("train", "--set", "run.steps=1", "--set", "evaluation.every=-1");
        Assert.True(Directory.Exists(_workspace.At("runs", "small-2", "export")));
        Assert.True(File.Exists(_workspace.At("runs", "small", "mine.txt")));
        Succeed("train", "--force", "--set", "run.steps=1", "--set", "evaluation.every=-1");
        Assert.False(File.Exists(_workspace.At("runs", "small", "mine.txt")));
    }

    [Fact]
    public void An_interrupt_ends_after_the_step_with_an_export_and_130()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("signals are sent with tools of Linux");
        // A shell that runs the tests in the background makes its children deaf to interrupts; this undoes it. The steps end some time in any case.
        using var process = BuiltHost.Start(_workspace.Folder, "env", "--default-signal=INT", BuiltHost.Program, "train", "--set", "run.steps=80", "--set", "evaluation.every=-1");
        string? line;
        do line = process.StandardOutput.ReadLine();
        while (line is not null && !line.StartsWith("step 1/", StringComparison.Ordinal));
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"])) kill.WaitForExit();
        var outcome = BuiltHost.Finish(process);
        Assert.Equal(130, outcome.ExitCode);
        Assert.True(File.Exists(_workspace.At("runs", "small", "export", "transformer", "diffusion_pytorch_model.safetensors")));
        Assert.All(_workspace.Lines("small"), static entry => Assert.NotNull(entry["kind"]));
    }

    [Fact]
    public void A_long_caption_is_cut_with_a_counted_warning()
    {
        _workspace.Write("train.txt", string.Concat(Enumerable.Repeat("a red circle and ", 200)));
        var outcome = _workspace.Leapalign("train", "--set", "evaluation.every=-1");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("warning LA4011", outcome.Error, StringComparison.Ordinal);
        Assert.Matches("LA4011 came [0-9]+ times", outcome.Error);
    }

    [Fact]
    public void Guidance_costs_two_evaluations_and_trains()
    {
        Succeed("train", "--set", "guidance.scale=3", "--set", "guidance.detachNegative=true", "--set", "run.steps=1", "--set", "evaluation.every=-1");
        Assert.Equal(8, (int)Assert.Single(_workspace.Lines("small"))["evaluations"]!);
    }

    public void Dispose() => _workspace.Dispose();

    private void Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
    }

    private string Run(string name) => _workspace.At("runs", name);
}
