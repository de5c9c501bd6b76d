using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Composition;

/// <summary>What evaluations draw, and their previews, as plugins.json says them.</summary>
public sealed class PreviewTests
{
    private const string Two = """
        "guidance": { "scale": 3 },
        "run": { "size": "16x16" },
        "evaluation": { "every": 10, "steps": 7, "batch": 4, "previews": [{ "name": "large", "size": "32x16", "guidance": 5 }, { "name": "long", "steps": 28, "every": 20, "batch": 1 }] },
        """;

    [Fact]
    public void What_a_preview_leaves_out_is_as_in_evaluations_and_what_they_leave_out_as_in_training()
    {
        var plan = TestWorkspace.Compose(With(Two)).Value();
        Assert.Equal((null, new ImageSize(16, 16), 7, 3.0, 4), Told(plan.Drawn));
        Assert.Equal([("large", new(32, 16), 7, 5.0, 4), ("long", new(16, 16), 28, 3.0, 1)], plan.Previews.Select(Told));
        Assert.Equal(["evaluation.previews[0].size", "run.size"], plan.Previews.Select(static form => form.SizePlace.Key));
        Assert.Equal(["evaluation.steps", "evaluation.previews[1].steps"], plan.Previews.Select(static form => form.StepsPlace.Key));
        Assert.Equal(["evaluation.previews[0].guidance", "guidance.scale"], plan.Previews.Select(static form => form.GuidancePlace.Key));
        Assert.Equal((9.0, 2.0), (TestWorkspace.Compose(With(Two), "evaluation.guidance=9").Value().Previews[1].Guidance.Scale, TestWorkspace.Compose(With(Two), "evaluation.previews.large.guidance=2").Value().Previews[0].Guidance.Scale));
        // Two of the three sizes are the same one of the same key.
        Assert.Equal([("run.size", new(16, 16)), ("evaluation.previews[0].size", new ImageSize(32, 16))], plan.Sizes.Select(static asked => (asked.Place!.Key!, asked.Size)));
    }

    [Fact]
    public void Without_previews_everything_is_as_it_was()
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid).Value();
        Assert.Empty(plan.Previews);
        Assert.Empty(plan.Sizes);
        Assert.Equal((null, null, null, 1.0, 32), Told(plan.Drawn));
        // A configuration that an older version resolved is the same one.
        var old = JsonNode.Parse(plan.ResolvedJson)!.AsObject();
        Assert.True(old["evaluation"]!.AsObject().Remove("previews") && old["evaluation"]!.AsObject().Remove("guidance"));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(plan.ResolvedJson), ResolvedConfiguration.WithDefaults(old, plan)));
    }

    [Fact]
    public void The_resolved_configuration_composes_to_the_same_previews()
    {
        var plan = TestWorkspace.Compose(With(Two)).Value();
        Assert.Equal(plan.Previews.Select(Told), TestWorkspace.Compose(plan.ResolvedJson).Value().Previews.Select(Told));
    }

    [Theory]
    [InlineData(null, "0 10 20 30 40 45")]
    [InlineData(20, "0 20 40 45")]
    [InlineData(0, "0 45")]
    public void A_preview_is_drawn_with_evaluations_the_first_and_the_last_among_them(int? every, string due)
    {
        var form = TestWorkspace.Compose(With(Two)).Value().Previews[0] with { Every = every };
        Assert.Equal(due, string.Join(' ', ((int[])[0, 10, 20, 30, 40, 45]).Where(done => form.IsDue(done, 45))));
    }

    [Theory]
    [InlineData("evaluation.previews.0.stepz=3", FaultCodes.UnknownKey, "'steps'")]
    [InlineData("evaluation.previews.0.steps=0", FaultCodes.OutOfRange, "evaluation.previews[0].steps")]
    [InlineData("evaluation.previews.0.guidance=0.5", FaultCodes.OutOfRange, "1 to 100")]
    [InlineData("evaluation.guidance=0.5", FaultCodes.OutOfRange, "evaluation.guidance")]
    [InlineData("evaluation.previews.0.size=\"512\"", FaultCodes.UnknownValue, "such as 512x512")]
    [InlineData("evaluation.previews.0.name=../x", FaultCodes.UnknownValue, "evaluation.previews[0].name")]
    [InlineData("evaluation.previews.0.name=LONG", FaultCodes.Duplicate, "two previews are called 'LONG'")]
    [InlineData("evaluation.previews.1.every=15", FaultCodes.SettingsDoNotFit, "a multiple of evaluation.every, which is 10")]
    [InlineData("evaluation.every=0", FaultCodes.SettingsDoNotFit, "evaluation.every is 0")]
    [InlineData("evaluation.previews={}", FaultCodes.WrongType, "evaluation.previews")]
    [InlineData("evaluation.previews=[{}]", FaultCodes.MissingKey, "'name'")]
    public void What_is_wrong_with_a_preview_is_said_with_its_key(string setting, string code, string words) => TestWorkspace.Compose(With(Two), setting).Fault(code, words);

    [Fact]
    public void Where_nothing_is_evaluated_previews_are_not_either() => Assert.Equal(2, TestWorkspace.Compose(With(Two), "evaluation.every=-1").Value().Previews.Count);

    private static string With(string sections) => TestWorkspace.Valid.Replace("\"model\"", sections + "\"model\"", StringComparison.Ordinal);

    private static (string?, ImageSize?, int?, double, int) Told(EvaluationForm form) => (form.Preview, form.Size, form.Steps, form.Guidance.Scale, form.Batch);
}
