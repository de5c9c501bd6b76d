using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Filtering;
using LeapAlign.Host.Kernel.Pictures;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// What DIRECT-3D (Liu and others, CVPR 2024) does to data, in the plane: three classes at their places on a circle, of which strangers turned 40 % by quarters and made 20 % junk. A small clean set warms the
/// model up and says what is kept; the model learns from both, and filters again. Errors and choice are those of <c>filter</c>.
/// </summary>
internal static class FilterCase
{
    private const int Classes = 3, Clean = 300, Noisy = 3000, Batch = 256, Warm = 1200, More = 800, Rounds = 3, Draws = 24;
    private const double Rate = 2e-3, Percentile = 90, Turned = 0.4, Junk = 0.2, PoseBar = 0.98, JunkBar = 0.03;

    private sealed record Row(double X, double Y, int Class, int Turns, bool IsJunk)
    {
        // Clockwise quarters take back the turns of strangers, which are counterclockwise.
        public Row Laid(int quarters) => Enumerable.Range(0, quarters).Aggregate(this, static (row, _) => row with { X = row.Y, Y = -row.X });
    }

    public static IEnumerable<CaseFigure> Run() => new long[] { 0, 1, 2 }.SelectMany(Seed);

    private static List<CaseFigure> Seed(long seed)
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed).For("filter case");
        var (clean, noisy) = (Rows(key.For("clean").Open(), Clean, strange: false), Rows(key.For("noisy").Open(), Noisy, strange: true));
        using var network = PlaneNetwork.Random(key.For("network"), Classes);
        Learn(network, clean, Warm, key.For("warm"));
        List<CaseFigure> figures = [];
        for (var round = 0; round < Rounds; round++)
        {
            var errors = new DensityErrors(Draws, key.For("errors"));
            double Error(Row row) => errors.Of((points, sigmas) => network.Velocity(points, tensor([.. sigmas.Select(static sigma => (float)sigma)]), OneHot([.. sigmas.Select(_ => row.Class)])), tensor(new[] { (float)row.X, (float)row.Y }), Draws);
            var threshold = FilterChoice.Percentile(clean.Select(Error), Percentile);
            var verdicts = FilterChoice.Of([.. noisy.Select(row => Pose.All(turns: true, flips: false).Select(pose => new FilterTrial(pose, "", Error(row.Laid(pose.Turns)))).ToArray())], threshold);
            var kept = noisy.Zip(verdicts).Where(static each => each.Second.Kept).ToList();
            var real = kept.Where(static each => !each.First.IsJunk).ToList();
            if (round == Rounds - 1)
            {
                var (right, junk) = ((double)real.Count(static each => each.First.Turns == each.Second.Best.Pose.Turns) / real.Count, 1 - ((double)real.Count / kept.Count));
                figures.Add(new CaseFigure($"seed {seed}: pose right, of what is kept and is no junk", right, $">= {PoseBar}", right >= PoseBar));
                figures.Add(new CaseFigure($"seed {seed}: junk in what is kept", junk, $"<= {JunkBar}", junk <= JunkBar));
                figures.Add(new CaseFigure($"seed {seed}: kept", (double)kept.Count / Noisy));
            }
            Learn(network, [.. clean, .. kept.Select(static each => each.First.Laid(each.Second.Best.Pose.Turns))], More, key.For("round", round));
        }
        return figures;
    }

    private static List<Row> Rows(KeyedRandom random, int count, bool strange)
    {
        List<Row> rows = [];
        for (var i = 0; i < count; i++)
        {
            var of = random.NextInt(0, Classes);
            var angle = 0.25 + (0.3 * of);
            double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            var row = new Row((2 * Math.Cos(angle)) + (0.12 * Normal()), (2 * Math.Sin(angle)) + (0.12 * Normal()), of, 0, false);
            var fate = strange ? random.NextDouble() : 0.5;
            var turns = fate < Turned ? random.NextInt(1, 4) : 0;
            rows.Add(fate > 1 - Junk
                ? row with { X = (4 * random.NextDouble()) - 2, Y = (4 * random.NextDouble()) - 2, IsJunk = true }
                : row.Laid((4 - turns) % 4) with { Turns = turns });
        }
        return rows;
    }

    private static void Learn(PlaneNetwork network, List<Row> rows, int updates, RandomKey key)
    {
        for (var update = 0; update < updates; update++)
        {
            using var scope = NewDisposeScope();
            var draw = key.For("update", update);
            var random = draw.Open();
            Row[] batch = [.. Enumerable.Range(0, Batch).Select(_ => rows[random.NextInt(0, rows.Count)])];
            var points = tensor([.. batch.SelectMany(static row => new[] { (float)row.X, (float)row.Y })]).view(-1, 2);
            var sigmas = tensor([.. batch.Select(_ => (float)random.NextDouble())]);
            network.Errors(points, sigmas, draw.For("noise").Normal([Batch, 2], CPU), OneHot([.. batch.Select(static row => row.Class)])).mean().backward();
            network.Update(Rate);
        }
    }

    private static Tensor OneHot(long[] classes) => nn.functional.one_hot(tensor(classes), Classes).to(ScalarType.Float32);
}
