using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Guards;

public sealed class DeploymentWatchTests
{
    private static readonly double[] s_pictures = [.. Enumerable.Range(0, 40).Select(static i => 0.1 * Math.Sin(i))];

    [Fact]
    public void A_preview_that_falls_while_the_evaluation_rises_is_named_with_both_numbers()
    {
        var watch = new DeploymentWatch(Plan());
        Assert.Empty(watch.Look(Report(0, 0.5, ("large", 0.4), ("long", 0.4))));
        var warning = Assert.Single(watch.Look(Report(10, 0.625, ("large", 0.15), ("long", 0.5))));
        Assert.Equal((FaultCodes.PreviewParted, "evaluation.previews[0]"), (warning.Code, warning.Place!.Key));
        Assert.StartsWith("after step 10 the trained reward is 0.125 above that of step 0 in the evaluation (16 x 16, 4 steps, guidance 1), but 0.25 below it in the preview 'large' (32 x 32, 8 steps, guidance 5; noise ", warning.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.6, 0.5)]
    [InlineData(0.4, 0.3)]
    [InlineData(0.5, 0.3)]
    [InlineData(0.6, 0.4)]
    public void Where_both_move_together_or_one_stays_nothing_is_said(double evaluation, double preview)
    {
        var watch = new DeploymentWatch(Plan());
        watch.Look(Report(0, 0.5, ("large", 0.4)));
        Assert.Empty(watch.Look(Report(10, evaluation, ("large", preview))));
    }

    [Fact]
    public void The_noise_is_the_standard_error_of_the_difference_picture_by_picture()
    {
        // Differences of -1, -2 and -3: mean -2, standard error sqrt(1 / 3), so that the fall is 3.4641 times the noise.
        foreach (var (noise, speaks) in new[] { (3.46, true), (3.47, false) })
        {
            var watch = new DeploymentWatch(Plan(new SentinelSettings { Noise = noise }));
            watch.Look(Of(0, [5, 6, 7]));
            Assert.Equal(speaks, watch.Look(Of(1, [4, 4, 4])).Count == 1);
        }

        static EvaluationReport Of(int step, double[] preview) => Bare(step, [step, step, step], null) with { Previews = [Bare(step, preview, "large")] };
    }

    [Fact]
    public void A_reward_is_what_training_sees_of_it()
    {
        // Of a weight below 0 a fall of the score is a rise of what is trained.
        var watch = new DeploymentWatch(Plan() with { Rewards = [Reward("reward") with { Weight = -2, Offset = 1, Scale = 4 }] });
        watch.Look(Report(0, 0.5, ("large", 0.4)));
        Assert.Contains("is 0.1 above that of step 0 in the evaluation", Assert.Single(watch.Look(Report(10, 0.3, ("large", 0.8)))).Message, StringComparison.Ordinal);
        Assert.Empty(watch.Look(Report(20, 0.8, ("large", 0.1))));
    }

    [Fact]
    public void What_is_off_or_not_finite_is_not_looked_at()
    {
        var off = new DeploymentWatch(Plan(new SentinelSettings { Mode = "off" }));
        off.Look(Report(0, 0.5, ("large", 0.4)));
        Assert.Empty(off.Look(Report(10, 0.9, ("large", 0.1))));
        var watch = new DeploymentWatch(Plan());
        watch.Look(Report(0, 0.5, ("large", double.NaN)));
        Assert.Null(watch.State);
        watch.Look(Report(5, 0.5, ("large", 0.4)));
        Assert.Empty(watch.Look(Report(10, double.PositiveInfinity, ("large", 0.1))));
        Assert.Contains("that of step 5", Assert.Single(watch.Look(Report(15, 0.9, ("large", 0.1)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_memory_is_part_of_the_run_and_another_form_is_compared_with_nothing()
    {
        var first = new DeploymentWatch(Plan());
        first.Look(Report(0, 0.5, ("large", 0.4)));
        var second = new DeploymentWatch(Plan());
        second.Resume(first.State);
        Assert.Single(second.Look(Report(10, 0.9, ("large", 0.1))));
        var report = Report(10, 0.9, ("large", 0.1));
        Assert.Empty(second.Look(report with { Previews = [report.Previews[0] with { Drawn = report.Previews[0].Drawn! with { Size = new ImageSize(64, 64) } }] }));
    }

    [Fact]
    public void Artefacts_of_a_preview_are_named_with_it()
    {
        var watch = new DeploymentWatch(Plan());
        EvaluationReport Grainy(int step, double detail)
        {
            var report = Report(step, 0.5, ("large", 0.4));
            return report with { Previews = [report.Previews[0] with { Measures = new Dictionary<string, IReadOnlyList<double>> { [PictureMeasureNames.FineDetail] = [.. s_pictures.Select(value => detail + (value / 10))] } }] };
        }
        watch.Look(Grainy(0, 0.1));
        Assert.Empty(watch.Look(Grainy(5, 0.14)));
        var warning = Assert.Single(watch.Look(Grainy(10, 0.2)));
        Assert.Equal(FaultCodes.PicturesDrift, warning.Code);
        Assert.Contains("the fine detail of the preview 'large' (32 x 32, 8 steps, guidance 5) is", warning.Message, StringComparison.Ordinal);
    }

    private static EvaluationReport Report(int step, double evaluation, params (string Name, double Value)[] previews) => Bare(step, [.. s_pictures.Select(value => evaluation + value)], null) with
    {
        Previews = [.. previews.Select(preview => Bare(step, [.. s_pictures.Select(value => preview.Value + value)], preview.Name))],
    };

    private static EvaluationReport Bare(int step, double[] scores, string? preview) => new()
    {
        Step = step,
        Drawn = preview is null ? new DrawnAs(null, new ImageSize(16, 16), 4, 1) : new DrawnAs(preview, new ImageSize(32, 32), 8, 5),
        Rewards = new Dictionary<string, double> { ["reward"] = scores.Average() },
        Tasks = new Dictionary<string, IReadOnlyDictionary<string, double>>(),
        Scores = new Dictionary<string, IReadOnlyList<double>> { ["reward"] = scores },
        Images = scores.Length,
        Seconds = 1,
        Samples = [],
    };

    private static RunPlan Plan(SentinelSettings? sentinel = null) => new()
    {
        Run = new RunSettings(),
        Evaluation = new EvaluationSettings { Previews = [new PreviewSettings { Name = "large" }, new PreviewSettings { Name = "long" }] },
        Export = new ExportSettings(),
        Sentinel = sentinel ?? new SentinelSettings(),
        Guidance = Guidance.None,
        Model = new PartPlan(null!, new object(), "model", new SourcePlace("plugins.json")),
        Rewards = [Reward("reward")],
        BaseFolder = "",
        ResolvedJson = "{}",
    };

    private static RewardPlan Reward(string name) => new(new PartPlan(null!, new object(), name, new SourcePlace("test")), RewardRole.Train, 1);
}
