using System.Text.Json.Nodes;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>When previews are drawn, and that a run which goes on has each of them once.</summary>
public sealed class PreviewRunTests : IDisposable
{
    private readonly SmallRun _run = new()
    {
        Steps = 5,
        Evaluates = 1,
        Checkpoint = new CheckpointSettings { Every = 1 },
        Previews = [new PreviewSettings { Name = "each" }, new PreviewSettings { Name = "second", Every = 2 }, new PreviewSettings { Name = "ends", Every = 0 }],
    };

    [Fact]
    public void Previews_come_behind_their_evaluation_when_they_are_due()
    {
        Assert.Equal(Completion.Whole, _run.Train().Value());
        Assert.Equal("0: each second ends, 1: each, 2: each second, 3: each, 4: each second, 5: each second ends", Drawn());
        Assert.True(File.Exists(Path.Combine(_run.RunFolder, "samples", "preview-second", "step-0004.png")));
        Assert.False(File.Exists(Path.Combine(_run.RunFolder, "samples", "preview-second", "step-0003.png")));
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_to_the_same_lines()
    {
        _run.Train().Value();
        var whole = Lines();
        using var stop = new CancellationTokenSource();
        using var other = new SmallRun { Steps = 5, Evaluates = 1, Checkpoint = _run.Checkpoint, Previews = _run.Previews };
        other.Step = step =>
        {
            if (step == 2) stop.Cancel();
        };
        Assert.Equal(Completion.Interrupted, other.Train(stop: stop.Token).Value());
        Assert.Equal(Completion.Whole, other.Train(new ResumeOptions(RunFolder.At(other.RunFolder), [])).Value());
        Assert.Equal(whole, Lines(other));
    }

    [Fact]
    public void What_previews_are_compared_with_is_in_the_checkpoint()
    {
        _run.Train().Value();
        var checkpoint = File.ReadAllText(Directory.GetFiles(Path.Combine(_run.RunFolder, "checkpoints", "step-000005"), "*.json").Single());
        var bases = JsonNode.Parse(checkpoint)!["progress"]!["deployment"]!["bases"]!.AsObject();
        Assert.Equal(["each", "second", "ends"], bases.Select(static pair => pair.Key));
        Assert.Equal(0, (int)bases["each"]!["step"]!);
    }

    [Fact]
    public void A_sampler_that_does_not_take_the_steps_of_a_preview_is_named()
    {
        _run.Previews = [new PreviewSettings { Name = "long", Steps = 28 }];
        _run.Train().Fault(FaultCodes.SettingsDoNotFit, "evaluation.previews[0].steps", "asks for 28 sampling steps, but the sampler 'small' makes 1 whatever it is asked for");
        Assert.False(Directory.Exists(_run.RunFolder));
    }

    // In libtorch a product of what comes of it would end the process.
    [Fact]
    public void A_velocity_that_has_not_the_shape_of_the_latents_is_a_fault()
    {
        _run.Velocity = static latents => latents.clone();
        Assert.Equal(Completion.Whole, _run.Train().Value());
        Assert.Equal(1.0, (double)Lines().Select(static line => JsonNode.Parse(line)!).First(static line => (string)line["kind"]! == "preview")["evaluations"]!);
        using var other = new SmallRun { Evaluates = 1, Velocity = static latents => latents.expand(2, 1, 1, 1).clone() };
        other.Train().Fault(FaultCodes.StepThrew, "the model gave a velocity of [2, 1, 1, 1] for latents of [1, 1, 1, 1]; it has to have their shape");
    }

    public void Dispose() => _run.Dispose();

    private string Drawn()
    {
        var said = "";
        foreach (var line in Lines().Select(static line => JsonNode.Parse(line)!))
        {
            if ((string)line["kind"]! == "evaluation") said += $"{(said.Length > 0 ? ", " : "")}{line["step"]}:";
            if ((string)line["kind"]! == "preview") said += $" {line["preview"]}";
        }
        return said;
    }

    private string[] Lines(SmallRun? run = null) => [.. File.ReadAllLines(Path.Combine((run ?? _run).RunFolder, "metrics.jsonl")).Select(static line =>
    {
        var numbers = JsonNode.Parse(line)!.AsObject();
        numbers.Remove("timings");
        return numbers.ToJsonString();
    })];
}
