using LeapAlign.Host.Reports;
using LeapAlign.Host.Reports.Pages;

namespace LeapAlign.Host.Tests.Reports;

/// <summary>What a report makes of the lines of a run.</summary>
public sealed class ModelTests
{
    [Fact]
    public void Curves_are_the_measurements_and_what_was_spent_up_to_each_step()
    {
        using var written = new WrittenRun(batch: 3, accumulation: 2).Step(1, loss: 0.1, evaluations: 10, seconds: 2).Step(2, loss: 0.2, evaluations: 5, seconds: 3);
        var curves = Curves.Of(written.Read());
        Assert.Equal(1, curves.Every);
        Assert.Equal([1, 2], curves.Step);
        Assert.Equal([60.0, 90.0], curves.Evaluations);
        Assert.Equal([2.0, 5.0], curves.Seconds);
        Assert.Equal([0.1, 0.2], Values(curves, "loss", "loss"));
        Assert.Equal([0.5, 0.5], Values(curves, "rewards", "clip"));
        Assert.Equal([5.0, 5.0], Values(curves, "measurements", "weight"));
        Assert.Equal([2.0, 2.0], Values(curves, "gradientNorm", "gradientNorm"));
        Assert.Equal([0.1, 0.1], Values(curves, "rate", "rate"));
    }

    [Fact]
    public void Updates_that_were_left_out_have_a_curve_where_there_are_any()
    {
        using var written = new WrittenRun().Step(1).Step(2).Step(3);
        Assert.DoesNotContain(Curves.Of(written.Read()).Columns, static column => column.Group == "skipped");
        var second = written.Lines.IndexOf("\"step\":2,", StringComparison.Ordinal);
        written.Lines = written.Lines.Insert(second, "\"skipped\":2,");
        Assert.Equal([0.0, 2.0, 0.0], Values(Curves.Of(written.Read()), "skipped", "skipped"));
    }

    [Fact]
    public void A_step_without_a_measurement_leaves_a_gap()
    {
        using var written = new WrittenRun().Step(1).Step(2);
        written.Lines = written.Lines.Replace("\"step\":1,", "\"step\":1,\"ignored\":0,", StringComparison.Ordinal);
        var second = written.Lines.IndexOf("\"weight\"", written.Lines.IndexOf("\"step\":2", StringComparison.Ordinal), StringComparison.Ordinal);
        written.Lines = written.Lines.Remove(second, "\"weight\"".Length).Insert(second, "\"ratio\"");
        var curves = Curves.Of(written.Read());
        Assert.Equal([5.0, null], Values(curves, "measurements", "weight"));
        Assert.Equal([null, 5.0], Values(curves, "measurements", "ratio"));
    }

    [Theory]
    [InlineData(10, 10, 1)]
    [InlineData(11, 10, 2)]
    [InlineData(25, 10, 3)]
    public void A_long_run_shows_every_nth_step_and_the_last_with_all_that_was_spent(int steps, int longest, int every)
    {
        using var written = new WrittenRun(batch: 1);
        for (var step = 1; step <= steps; step++) written.Step(step, evaluations: 1);
        var curves = Curves.Of(written.Read(), longest);
        Assert.Equal(every, curves.Every);
        Assert.InRange(curves.Step.Count, 1, longest + 1);
        Assert.Equal(steps, curves.Step[^1]);
        Assert.All(curves.Step.SkipLast(1), step => Assert.Equal(0, step % every));
        Assert.Equal(curves.Step.Select(static step => (double)step), curves.Evaluations);
    }

    [Fact]
    public void The_ledger_sets_evaluations_times_the_time_of_one_against_the_step()
    {
        using var written = new WrittenRun(accumulation: 2).Evaluation(0, 0.1).Step(1, evaluations: 10, seconds: 4).Step(2, evaluations: 10, seconds: 8);
        var time = TimeLedger.Of(written.Read());
        Assert.Equal(2, time.Steps);
        Assert.Equal(12, time.Seconds);
        Assert.Equal(40, time.Evaluations);
        Assert.Equal(8, time.GradientEvaluations);
        Assert.Equal(6, time.VelocitySeconds);
        Assert.Equal(6, time.SecondsPerStep);
        Assert.Equal(20, time.EvaluationsPerStep);
        Assert.Equal(0.15, time.SecondsPerEvaluation, 1e-12);
        Assert.Equal(0.5, time.Share, 1e-12);
        Assert.Equal(3, time.EvaluationSeconds);
        Assert.Equal([new StageTime("velocity", 6), new StageTime("backward", 3), new StageTime("between stages", 3)], time.Stages);
    }

    [Fact]
    public void A_run_without_steps_has_an_empty_ledger()
    {
        using var written = new WrittenRun().Evaluation(0, 0.1);
        var time = TimeLedger.Of(written.Read());
        Assert.Equal((0, 0.0, 0.0, 0.0), (time.Steps, time.SecondsPerStep, time.SecondsPerEvaluation, time.Share));
        Assert.Empty(Curves.Of(written.Read()).Step);
    }

    [Fact]
    public void Choices_are_counted_in_pairs_and_what_was_never_chosen_is_seen()
    {
        using var written = new WrittenRun()
            .Step(1, choices: """{"from":[2,3],"to":[5,5]}""").Step(2, choices: """{"from":[2],"to":[5]}""").Step(3, choices: """{"from":[2],"to":[7],"window":[4]}""");
        // Nobody has said that they belong together.
        Assert.Equal(["from", "to", "window"], ChoiceMap.Of(written.Read()).Select(static map => map.Row));
        written.Record(pairs: [new("from", "to"), new("never", "chosen")]);
        var maps = ChoiceMap.Of(written.Read());
        Assert.Equal(["from", "window"], maps.Select(static map => map.Row));
        Assert.Equal("to", maps[0].Column);
        Assert.Equal([2, 3], maps[0].Rows);
        Assert.Equal([5, 6, 7], maps[0].Columns);
        Assert.Equal([2, 0, 1], maps[0].Counts[0]);
        Assert.Equal([1, 0, 0], maps[0].Counts[1]);
        Assert.Null(maps[1].Column);
        Assert.Equal([1], maps[1].Counts.Single());
    }

    [Fact]
    public void A_model_is_called_what_the_run_says_and_otherwise_by_its_id()
    {
        using var written = new WrittenRun();
        Assert.Equal("sd3", RunData.Of(written.Read(), new EmbeddedPictures()).Model);
        written.Record(model: "some-model");
        Assert.Equal("some-model", RunData.Of(written.Read(), new EmbeddedPictures()).Model);
    }

    [Fact]
    public void Choices_of_a_wide_range_are_left_out()
    {
        using var written = new WrittenRun().Step(1, choices: """{"seed":[1,9000000000],"j":[1]}""");
        Assert.Equal("j", Assert.Single(ChoiceMap.Of(written.Read())).Row);
    }

    private static IEnumerable<double?> Values(Curves curves, string group, string name) => curves.Columns.Single(column => column.Group == group && column.Name == name).Values;
}
