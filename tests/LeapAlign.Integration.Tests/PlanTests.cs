using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Planning;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Plans of the built program: what a step takes is said before a run begins, and a run that does not fit is refused.</summary>
public sealed partial class PlanTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public void A_plan_says_time_and_memory_and_writes_nothing_and_the_report_compares_it_with_the_run()
    {
        var before = Directory.GetFileSystemEntries(_workspace.Folder).Order(StringComparer.Ordinal).ToArray();
        var planned = _workspace.Leapalign("plan", "--set", "adapter=lora");
        Assert.True(planned.ExitCode == 0, planned.Error);
        foreach (var words in (string[])["evaluations without gradient", "backward", "graph of evaluations", "it fits", "2 F + 2 G + 1 V"]) Assert.Contains(words, planned.Output, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFileSystemEntries(_workspace.Folder).Order(StringComparer.Ordinal));

        var card = _workspace.Leapalign("plan", "--card", "rtx-4090", "--set", "adapter=lora");
        Assert.True(card.ExitCode == 0, card.Error);
        Assert.Contains("unproved", card.Output, StringComparison.Ordinal);

        var run = _workspace.Leapalign("train", "--set", "run.plan=always", "--set", "run.steps=3", "--set", "evaluation.every=-1");
        Assert.True(run.ExitCode == 0, run.Error);
        var facts = JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "small", "run.json")))!["environment"]!;
        var (said, found) = (Numbers().Match((string)facts["planned"]!), Numbers().Match((string)facts["measured"]!));
        Assert.True(said.Success && found.Success, facts.ToJsonString());
        // Not what it is for small models; but memory that is off by more than a factor of two is no plan.
        Assert.InRange(Of(said) / Of(found), 0.5, 2);
        Assert.Contains((string)facts["planned"]!, File.ReadAllText(_workspace.At("runs", "small", "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_does_not_fit_is_refused_before_anything_is_written_unless_nobody_asks()
    {
        // Graphs of so many pictures are more than a checkpoint copies where they were.
        var refused = Limited("plan", "--set", "run.batch=16");
        Assert.Equal(6, refused.ExitCode);
        Assert.Matches(@"error LA5016: the run needs about [0-9.]+ GiB, [0-9.]+ GiB of it for [a-z ]+, but there are 0\.0[0-9] GiB", refused.Error);
        Assert.Contains("--set run.checkpointing=blocks", refused.Output, StringComparison.Ordinal);
        var train = Limited("train", "--set", "run.plan=always");
        Assert.Equal(6, train.ExitCode);
        Assert.False(Directory.Exists(_workspace.At("runs", "small")));
        Assert.Equal(0, Limited("train", "--set", "run.steps=1", "--set", "evaluation.every=-1").ExitCode);
    }

    [Fact]
    public void A_plan_asks_no_people()
    {
        var asked = InProcessRun.Reward("people", new Unasked(), RewardRole.Train);
        var plan = InProcessRun.Plan(SteppedRun.Settings);
        plan = plan with { Rewards = [plan.Rewards[0], asked with { Part = asked.Part with { Definition = asked.Part.Definition.Providing(Capabilities.People) } }] };
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        Assert.Equal("reward clip", Assert.Single(new Planner(plan, parts).Measure(TestContext.Current.CancellationToken).Rewards).Name);
    }

    public void Dispose() => _workspace.Dispose();

    private sealed class Unasked : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => throw new InvalidOperationException("a plan asked people");
    }

    // .NET's own limit is one of those that the program asks for.
    private Outcome Limited(params string[] arguments)
    {
        using var process = BuiltHost.Start(_workspace.Folder, "env", ["DOTNET_GCHeapHardLimit=0x5000000", BuiltHost.Program, .. arguments]);
        return BuiltHost.Finish(process);
    }

    private static double Of(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("s a step, ([0-9.]+) GiB")]
    private static partial Regex Numbers();
}
