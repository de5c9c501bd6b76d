using System.Text.Json.Nodes;
using LeapAlign.Host.Reports;

namespace LeapAlign.Host.Tests.Reports;

public sealed class ComparisonTests
{
    [Fact]
    public void Runs_are_compared_at_the_last_step_that_all_have_and_within_the_evaluations_that_all_have_made()
    {
        // Both at steps 0, 2 and 4; the second makes twice as many evaluations a step.
        using var cheap = Evaluated("cheap", evaluations: 5, 0.1, 0.2, 0.3);
        using var dear = Evaluated("dear", evaluations: 10, 0.1, 0.4, 0.6);
        dear.Step(5, evaluations: 10).Step(6, evaluations: 10).Evaluation(6, 0.7);
        var comparison = Comparison.Of([cheap.Read(), dear.Read()]);
        Assert.Equal(4, comparison.Step);
        Assert.Equal([0.3, 0.6], comparison.EqualSteps.Select(static one => one.Rewards["clip"]));
        Assert.Equal([40.0, 80.0], comparison.EqualSteps.Select(static one => one.Evaluations));
        Assert.Equal([16.0, 16.0], comparison.EqualSteps.Select(static one => one.Seconds));
        Assert.Equal(40, comparison.Evaluations);
        Assert.Equal([4, 2], comparison.EqualEvaluations.Select(static one => one.Step));
        Assert.Equal([0.3, 0.4], comparison.EqualEvaluations.Select(static one => one.Rewards["clip"]));
        Assert.Equal(["cheap", "dear"], comparison.EqualEvaluations.Select(static one => one.Run));
    }

    [Fact]
    public void Previews_stand_beside_the_evaluation_and_say_when_they_were_drawn()
    {
        using var often = new WrittenRun("often").Evaluation(0, 0.1).Preview(0, "large", 0.2).Preview(0, "long", 0.25).Step(1).Step(2).Evaluation(2, 0.3).Preview(2, "large", 0.4).Step(3).Evaluation(3, 0.5).Preview(3, "large", 0.6);
        using var never = new WrittenRun("never").Evaluation(0, 0.1).Step(1).Step(2).Evaluation(2, 0.3);
        var standings = Comparison.Of([often.Read(), never.Read()]).EqualSteps;
        Assert.Equal([("large", 2, 0.4), ("long", 0, 0.25)], standings[0].Previews.Select(static preview => (preview.Name, preview.Step, preview.Rewards["clip"])));
        Assert.Empty(standings[1].Previews);
    }

    [Fact]
    public void A_larger_batch_makes_more_evaluations_of_samples()
    {
        using var small = new WrittenRun("small", batch: 2).Evaluation(0, 0.1).Step(1).Evaluation(1, 0.2).Step(2).Evaluation(2, 0.3);
        using var large = new WrittenRun("large", batch: 4).Evaluation(0, 0.1).Step(1).Evaluation(1, 0.5).Step(2).Evaluation(2, 0.6);
        Assert.Equal([2, 1], Comparison.Of([small.Read(), large.Read()]).EqualEvaluations.Select(static one => one.Step));
    }

    [Fact]
    public void Runs_without_a_common_step_or_without_evaluations_have_none_to_compare_at()
    {
        using var odd = new WrittenRun("odd").Step(1).Evaluation(1, 0.1);
        using var even = new WrittenRun("even").Step(1).Step(2).Evaluation(2, 0.1);
        using var none = new WrittenRun("none").Step(1);
        var apart = Comparison.Of([odd.Read(), even.Read()]);
        Assert.Null(apart.Step);
        Assert.Equal("odd", Assert.Single(apart.EqualEvaluations).Run);
        var comparison = Comparison.Of([odd.Read(), none.Read()]);
        Assert.Null(comparison.Step);
        Assert.Null(comparison.Evaluations);
        Assert.Empty(comparison.EqualEvaluations);
    }

    [Fact]
    public void Settings_that_differ_are_named_by_path_and_rewards_by_name()
    {
        using var first = new WrittenRun("first");
        using var second = new WrittenRun("second");
        second.Settings["algorithm"]!["settings"]!["alpha"] = 0.5;
        second.Settings["rewards"]![1]!["weight"] = 2;
        var differences = Comparison.Of([first.Read(), second.Read()]).Differences;
        Assert.Equal(["run.name", "algorithm.settings.alpha", "rewards.judge.weight"], differences.Select(static one => one.Key));
        Assert.Equal(["0.3", "0.5"], differences[1].Values);
        Assert.Equal([null, "2"], differences[2].Values);
    }

    [Fact]
    public void Settings_are_flat_down_to_empty_lists_and_null() => Assert.Equal(
        [new FlatSetting("a.b", "null"), new FlatSetting("list.0", "1"), new FlatSetting("none", "[]"), new FlatSetting("text", "\"x\"")],
        FlatSettings.Of(JsonNode.Parse("""{"a":{"b":null},"list":[1],"none":[],"text":"x"}""")));

    private static WrittenRun Evaluated(string name, double evaluations, params double[] rewards)
    {
        var run = new WrittenRun(name).Evaluation(0, rewards[0]);
        for (var index = 1; index < rewards.Length; index++)
            run.Step((2 * index) - 1, evaluations: evaluations).Step(2 * index, evaluations: evaluations).Evaluation(2 * index, rewards[index]);
        return run;
    }
}
