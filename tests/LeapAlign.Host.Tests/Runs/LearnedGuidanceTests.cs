using LeapAlign.Contracts.Models;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>A run whose algorithm teaches a model what it draws with guidance, and what the model is drawn with afterwards.</summary>
public sealed class LearnedGuidanceTests
{
    [Theory]
    [InlineData(GuidanceForm.Branches, true, 1)]
    [InlineData(GuidanceForm.Branches, false, 4.5)]
    [InlineData(GuidanceForm.Embedded, true, 4.5)]
    public void Evaluations_previews_generate_and_the_export_are_those_of_the_model_that_is_trained(GuidanceForm form, bool isLearned, double expected)
    {
        using var run = Guided(form, isLearned);
        run.Train().Value();
        Assert.NotEmpty(run.Steered);
        Assert.All(run.Steered, scale => Assert.Equal(expected, scale));
        Assert.Equal(isLearned && form == GuidanceForm.Branches, run.Exported!.LearnedGuidance);
        Assert.Equal(4.5, run.Exported.Guidance!.Scale);
        run.Steered.Clear();
        run.Generate("a caption").Value();
        Assert.Equal(expected, Assert.Single(run.Steered));
    }

    [Fact]
    public void An_evaluation_that_is_guided_all_the_same_is_refused_with_its_key()
    {
        using var run = Guided(GuidanceForm.Branches, isLearned: true);
        run.Steering = run.Steering with { Evaluation = 2 };
        var fault = run.Train().Fault();
        Assert.Equal((FaultCodes.GuidanceTwice, 4, "evaluation.guidance"), (fault.Code, fault.ExitCode, fault.Place!.Key));
        Assert.Contains("evaluation.guidance is 2, but 'small' trains a model that draws without guidance", fault.Message, StringComparison.Ordinal);
        run.Steering = run.Steering with { Evaluation = null };
        run.Previews = [new PreviewSettings { Name = "guided", Guidance = 3 }];
        Assert.Equal((FaultCodes.GuidanceTwice, "evaluation.previews[0].guidance"), (run.Train().Fault().Code, run.Train().Fault().Place!.Key));
        run.Steering = run.Steering with { Evaluation = 1 };
        run.Previews = [];
        run.Train().Value();
    }

    [Fact]
    public void The_algorithm_is_told_what_samples_come_from()
    {
        using var run = Guided(GuidanceForm.Branches, isLearned: true);
        run.Train().Value();
        var origin = run.Shape!.Origin!();
        Assert.Equal(("small", 4.5, "1,1,1"), (origin.Model, origin.Guidance, string.Join(',', origin.Latents)));
        Assert.StartsWith("small {", origin.Sampler, StringComparison.Ordinal);
        Assert.Equal(run.Shape.Origin().Weights, origin.Weights);
    }

    private static SmallRun Guided(GuidanceForm form, bool isLearned) => new()
    {
        Steering = (4.5, null, form, isLearned),
        Evaluates = 1,
        Velocity = static latents => zeros_like(latents),
        Previews = [new PreviewSettings { Name = "again" }],
    };
}
