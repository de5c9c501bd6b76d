using System.Text.Json.Nodes;
using LeapAlign.Host.Sweeps;
using LeapAlign.Host.Tests.Reports;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Sweeps;

/// <summary>Numbers over seeds.</summary>
public sealed class SweepSummaryTests : IDisposable
{
    private readonly List<WrittenRun> _written = [];

    public void Dispose()
    {
        foreach (var run in _written) run.Dispose();
    }

    [Fact]
    public void Members_that_differ_in_their_seed_alone_are_one_row()
    {
        var sweep = Sweep(("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("c", 0));
        // The first evaluation of each is not its last; the batch is 2, so that a step of 10 evaluations is 20 of samples.
        var summary = SweepSummary.Of(sweep, [
            Run(sweep, 0, clip: 1, judge: 0.1, evaluations: 10),
            Run(sweep, 1, clip: 2, judge: 0.2, evaluations: 10),
            Run(sweep, 2, clip: 6, judge: 0.6, evaluations: 16),
            Run(sweep, 4, clip: 5, judge: 0.5, evaluations: 10),
        ]);
        Assert.Equal(["algorithm=a", "algorithm=b", "algorithm=c"], summary.Groups.Select(static group => group.Name));
        Assert.Equal(["group", "runs", "step", "clip", "judge (held out)", "F"], summary.Columns);
        var (a, b, c) = (summary.Groups[0], summary.Groups[1], summary.Groups[2]);
        // By hand: (1 + 2 + 6) / 3 = 3; ((1 - 3)^2 + (2 - 3)^2 + (6 - 3)^2) / 2 = 7.
        Assert.Equal((3, Math.Sqrt(7)), (a.Reward("clip")!.Mean, a.Reward("clip")!.Deviation));
        Assert.Equal((24, Math.Sqrt(48)), (a.Evaluations!.Mean, a.Evaluations.Deviation!.Value));
        Assert.Equal(new Spread(5, null), b.Reward("clip"));
        Assert.Null(c.Reward("clip"));
        Assert.Equal(["algorithm=a", "3/3", "1", "3 ± 2.6", "0.3 ± 0.26", "24 ± 6.9"], summary.Cells(a));
        Assert.Equal(["algorithm=b", "1/2", "1", "5", "0.5", "20"], summary.Cells(b));
        Assert.Equal(["algorithm=c", "0/1", "", "", "", ""], summary.Cells(c));
    }

    [Fact]
    public void The_files_have_the_same_numbers_to_the_last_bit()
    {
        var sweep = Sweep(("a", 0), ("a", 1), ("b", 0));
        var summary = SweepSummary.Of(sweep, [Run(sweep, 0, clip: 0.1, judge: double.NaN, evaluations: 10), Run(sweep, 1, clip: 0.3, judge: 0.5, evaluations: 10)]);
        var deviation = summary.Groups[0].Reward("clip")!.Deviation!.Value;
        var rows = summary.ToCsv().Split('\n');
        Assert.Equal("group,members,runs,completed,first step,last step,clip mean,clip deviation,judge mean,judge deviation,evaluations mean,evaluations deviation", rows[0]);
        Assert.Equal(FormattableString.Invariant($"algorithm=a,2,2,2,1,1,{(0.1 + 0.3) / 2:R},{deviation:R},NaN,NaN,20,0"), rows[1]);
        Assert.Equal("algorithm=b,1,0,0,,,,,,,,", rows[2]);
        var json = JsonNode.Parse(summary.ToJson())!;
        Assert.Equal(deviation, (double)json["groups"]![0]!["rewards"]!["clip"]!["deviation"]!);
        Assert.Equal("NaN", (string)json["groups"]![0]!["rewards"]!["judge"]!["mean"]!);
        Assert.Equal([0, 1], json["groups"]![0]!["runs"]!.AsArray().Select(static number => (int)number!));
        Assert.Equal("heldOut", (string)json["rewards"]![1]!["role"]!);
        Assert.Equal(("a", 1, "Completed", 0.3), ((string)json["members"]![1]!["set"]!["algorithm"]!, (int)json["members"]![1]!["set"]!["run.seed"]!, (string)json["members"]![1]!["state"]!, (double)json["members"]![1]!["rewards"]!["clip"]!));
        Assert.Null(json["members"]![2]!["state"]);
    }

    [Fact]
    public void Runs_that_are_not_equally_far_say_so_and_seeds_alone_are_one_group()
    {
        var sweep = new Sweep("s.json", "s", "plugins.json", [.. Enumerable.Range(0, 3).Select(static seed => new SweepMember(seed, $"seed={seed}", [Seed(seed)]))]);
        var longer = Run(sweep, 1, clip: 2, judge: 0, evaluations: 10, steps: 3);
        var summary = SweepSummary.Of(sweep, [Run(sweep, 0, clip: 1, judge: 0, evaluations: 10), longer]);
        Assert.Equal(["all", "2/3", "1-3"], summary.Cells(Assert.Single(summary.Groups)).Take(3));
    }

    [Fact]
    public void Previews_have_columns_of_their_own_and_only_where_every_run_of_a_group_has_them()
    {
        var sweep = Sweep(("a", 0), ("a", 1), ("b", 0));
        SweptRun Drawn(int number, params double[] clip)
        {
            var written = new WrittenRun($"run-{number}").Evaluation(0, 0.1);
            foreach (var value in clip) written.Preview(0, "large", value);
            _written.Add(written.Record());
            return new SweptRun(sweep.Members[number], written.Read());
        }
        var summary = SweepSummary.Of(sweep, [Drawn(0, 9, 1), Drawn(1, 3), Drawn(2)]);
        Assert.Equal(["clip, preview large", "judge, preview large", "F"], summary.Columns.TakeLast(3));
        Assert.Equal("2 ± 1.4", summary.Cells(summary.Groups[0])[^3]);
        Assert.Equal("", summary.Cells(summary.Groups[1])[^3]);
        var rows = summary.ToCsv().Split('\n');
        Assert.Contains("\"clip, preview large mean\",\"clip, preview large deviation\",\"judge, preview large mean\"", rows[0], StringComparison.Ordinal);
        Assert.Contains($",2,{Math.Sqrt(2):R},", rows[1], StringComparison.Ordinal);
        Assert.Equal(5, rows[0].Split("large").Length);
        var groups = JsonNode.Parse(summary.ToJson())!["groups"]!;
        Assert.Equal(2, (double)groups[0]!["previews"]!["large"]!["clip"]!["mean"]!);
        Assert.Null(groups[1]!["previews"]!["large"]!["clip"]);
    }

    private static Sweep Sweep(params IReadOnlyList<(string Algorithm, int Seed)> members) => new("s.json", "s", "plugins.json",
        [.. members.Select(static (member, number) => new SweepMember(number, $"{number}", [Seed(member.Seed), new("algorithm", JsonValue.Create(member.Algorithm), new SourcePlace("s.json"))]))]);

    private static SweepSet Seed(int seed) => new(SweepSet.Seed, JsonValue.Create(seed), new SourcePlace("s.json"));

    private SweptRun Run(Sweep sweep, int number, double clip, double judge, double evaluations, int steps = 1)
    {
        var written = new WrittenRun($"run-{number}", batch: 2).Evaluation(0, 99, 99).Step(1, evaluations: evaluations);
        for (var step = 2; step <= steps; step++) written.Step(step, evaluations: evaluations);
        _written.Add(written.Evaluation(steps, clip, judge).Record());
        return new SweptRun(sweep.Members[number], written.Read());
    }
}
