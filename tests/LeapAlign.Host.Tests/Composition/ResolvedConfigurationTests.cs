using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;

namespace LeapAlign.Host.Tests.Composition;

public sealed class ResolvedConfigurationTests
{
    [Fact]
    public void Every_default_is_filled_in()
    {
        var resolved = JsonNode.Parse(TestWorkspace.Compose(TestWorkspace.Valid).Value().ResolvedJson)!;

        Assert.Equal(150, resolved["run"]!["steps"]!.GetValue<int>());
        Assert.Equal(0.98, resolved["run"]!["ema"]!.GetValue<double>());
        Assert.Equal(64, resolved["model"]!["settings"]!["size"]!.GetValue<int>());
        Assert.Equal("captions.txt", resolved["prompts"]!["settings"]!["path"]!.GetValue<string>());
        Assert.Equal(3.0, resolved["sampler"]!["settings"]!["shift"]!.GetValue<double>());
        Assert.Equal("smooth", resolved["rewards"]![0]!["name"]!.GetValue<string>());
        Assert.Equal("train", resolved["rewards"]![0]!["role"]!.GetValue<string>());
        Assert.Equal(0.25, resolved["rewards"]![0]!["settings"]!["channels"]!["red"]!.GetValue<double>());
        Assert.Equal(0.125, resolved["optimizer"]!["settings"]!["rate"]!.GetValue<double>());
        Assert.Equal(7, resolved["optimizer"]!["settings"]!["warmup"]!.GetValue<int>());
        Assert.Equal("source", resolved["export"]!["dtype"]!.GetValue<string>());
    }

    [Fact]
    public void A_section_that_sets_one_key_keeps_the_other_defaults()
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, "run.seed=5", "evaluation.prompts=lines", "rewards.smooth.settings.channels.red=1").Value();
        Assert.Equal((5, 32, 150), (plan.Run.Seed, plan.Run.Batch, plan.Run.Steps));
        Assert.Equal(50, plan.Evaluation.Every);
        Assert.Contains("\"green\":0.5", plan.Rewards[0].Part.Definition.WriteSettings(plan.Rewards[0].Part.Settings), StringComparison.Ordinal);
    }

    [Fact]
    public void Composing_the_resolved_text_gives_the_same_text()
    {
        var first = TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[\"smooth\", { \"id\": \"flat\", \"name\": \"judge\", \"role\": \"heldOut\", \"weight\": 0.1 }]",
            "evaluation.prompts=lines", "guidance.scale=4.5", "guidance.detachNegative=true", "sampler.settings.shift=null").Value();
        var second = TestWorkspace.Compose(first.ResolvedJson).Value();
        Assert.Equal(first.ResolvedJson, second.ResolvedJson);
        Assert.Equal((4.5, true), (second.Guidance.Scale, second.Guidance.DetachNegative));
        Assert.Equal(RewardRole.HeldOut, second.Rewards[1].Role);
        Assert.Equal(0.1, second.Rewards[1].Weight);
        Assert.NotNull(second.EvaluationPrompts);
    }

    [Fact]
    public void A_key_that_an_older_version_did_not_know_is_no_change_unless_it_is_used()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var (plan, used) = (workspace.Compose().Value(), workspace.Compose("run.emaWarmup=true", "optimizer.settings.warmup=8").Value());
        var then = JsonNode.Parse(plan.ResolvedJson)!.AsObject();
        then["run"]!.AsObject().Remove("emaWarmup");
        then["optimizer"]!["settings"]!.AsObject().Remove("warmup");
        then["rewards"]![0]!["settings"]!.AsObject().Remove("channels");
        then.Remove("sentinel");
        var manifest = RunIdentity.Of(plan).Manifest(new(), DateTimeOffset.UnixEpoch) with { Configuration = then };
        Assert.Empty(RunIdentity.Of(plan).ChangesSince(manifest));
        Assert.Equal(["run.emaWarmup", "optimizer.settings.warmup"], RunIdentity.Of(used).ChangesSince(manifest).Select(static change => change.Key));
        // What another version had and this one does not know is told.
        then["run"]!["former"] = 1;
        Assert.Contains("run.former", RunIdentity.Of(plan).ChangesSince(manifest).Select(static change => change.Key));
    }

    [Fact]
    public void The_plan_knows_its_folder_and_its_parts()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var plan = workspace.Compose().Value();
        Assert.Equal(workspace.Folder, plan.BaseFolder);
        Assert.Equal(["canvas", "lines", "euler", "direct", "smooth", "descent"], plan.Parts.Select(part => part.Definition.Id));
        Assert.All(plan.Parts, part => Assert.Equal("parts", part.Plugin!.Id));
        Assert.Equal((6, "rewards[0]"), (plan.Rewards[0].Part.Place.Line, plan.Rewards[0].Part.Place.Key));
    }
}
