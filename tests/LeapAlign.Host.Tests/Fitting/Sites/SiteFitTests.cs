using System.Globalization;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Fitting;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Fitting.Sites;

/// <summary>Sites with pictures of their own fit the layer that one with all of them fits.</summary>
public sealed class SiteFitTests : IDisposable
{
    private const int Pictures = 48;
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-sites-").FullName;
    private readonly FitOptions _scores = new("head") { Scores = "scores.jsonl", Over = "ring", Sigmas = [0, 0.5], Seed = 3, Penalty = 0.02 };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(2, false)]
    [InlineData(4, false)]
    [InlineData(2, true)]
    public void The_layer_is_that_of_one_with_all_pictures(int world, bool pairs)
    {
        var options = pairs ? _scores with { Scores = null, Pairs = "pairs.jsonl" } : _scores;
        var rows = Rows();
        var (alone, one) = Fitted(options, rows, OneProcess.Instance);
        var all = ThreadedRanks.Run(world, communicator => Fitted(options, [.. rows.Where(row => row.Id % world == communicator.Rank)], communicator));
        foreach (var (work, outcome) in all)
        {
            Assert.All(alone.Layer!.Value.Weights.Zip(work.Layer!.Value.Weights), static pair => Assert.Equal(pair.First, pair.Second, 2e-5 * Math.Max(1, Math.Abs(pair.First))));
            Assert.Equal(alone.Layer.Value.Intercept, work.Layer.Value.Intercept, 2e-5);
            Assert.Equal(all[0].Work.Layer!.Value.Weights, work.Layer.Value.Weights);
            Assert.Equal(all[0].Outcome.File.Metadata, outcome.File.Metadata);
            Assert.Equal(one.File.Metadata["fit.samples"], outcome.File.Metadata["fit.samples"]);
            Assert.Equal(one.File.Metadata["held-out.samples"], outcome.File.Metadata["held-out.samples"]);
            Assert.Equal(one.Quality[0].Quality.Count, outcome.Quality[0].Quality.Count);
        }
        Assert.Equal(Pictures, one.Quality[0].Quality.Count + int.Parse(one.File.Metadata["fit.samples"], CultureInfo.InvariantCulture));
        Assert.InRange(one.Quality[0].Quality.Count, 4, 24);
        Assert.Equal((world == 2 ? "0-1" : "0-1,0-3,1-2,2-3", "0.02"), (all[0].Outcome.File.Metadata["fit.over"], all[0].Outcome.File.Metadata["fit.ridge"]));
        // Without the pictures of one site the layer is another.
        var (fewer, _) = Fitted(options, [.. rows.Where(row => row.Id % world == 0)], OneProcess.Instance);
        Assert.True(alone.Layer!.Value.Weights.Zip(fewer.Layer!.Value.Weights, static (left, right) => Math.Abs(left - right)).Max() > 1e-2);
    }

    [Fact]
    public void The_layer_is_the_ridge_regression_on_scaled_inputs()
    {
        using var scope = NewDisposeScope();
        var rows = Rows();
        var (work, _) = Fitted(_scores with { Sigmas = [0] }, rows, OneProcess.Instance);
        // Without noise all eight inputs are the brightness of the picture: in one variable, by hand.
        var random = LeapAlign.Contracts.Randomness.RandomKey.OfRun(3).For("fit").For("held out");
        var learnt = rows.Where(row => random.For(row.Text).Open().NextDouble() >= 0.25).ToArray();
        double[] x = [.. learnt.Select(row => Level(row.Id) / 255.0)];
        double[] y = [.. learnt.Select(row => Score(row.Id))];
        var (xMean, yMean) = (x.Average(), y.Average());
        var (xScale, yScale) = (Math.Sqrt(x.Average(v => (v - xMean) * (v - xMean))), Math.Sqrt(y.Average(v => (v - yMean) * (v - yMean))));
        var covariance = x.Zip(y, (a, b) => (a - xMean) / xScale * ((b - yMean) / yScale)).Average();
        // Eight equal weights w: min ½(8w)² − 8 w c + ½ 0.02 · 8 w².
        var weight = covariance / (8 + 0.02) / xScale;
        Assert.All(work.Layer!.Value.Weights, each => Assert.Equal(weight, each, 1e-4));
        Assert.Equal(-8 * weight * xMean, work.Layer.Value.Intercept, 1e-4);
    }

    [Fact]
    public void Layers_are_taken_from_a_file()
    {
        Assert.Null(Fitted(_scores, Rows(), OneProcess.Instance).Work.Continued);
        Assert.Equal(Path.GetFullPath("base.safetensors"), Fitted(_scores with { Layers = "base.safetensors" }, Rows(), OneProcess.Instance).Work.Continued);
    }

    [Fact]
    public void A_site_that_has_nothing_to_learn_from_ends_all()
    {
        var rows = Rows();
        var all = ThreadedRanks.Run(2, communicator =>
        {
            var ranks = new RunRanks(communicator);
            try
            {
                return ranks.Agreed("the end", new FitCase { Options = _scores }.RunOver(communicator.Rank == 1 ? [] : rows, ranks));
            }
            catch (FaultException exception)
            {
                return ranks.Fail(exception.Fault);
            }
        });
        Assert.All(all, static each => Assert.Equal(1, each.Fault(FaultCodes.CannotFit, "none of the 0 rows of this site").Rank));
        new FitCase { Options = _scores }.RunOver([.. rows.Select(static row => row with { Metadata = """{"score":2}""" })], RunRanks.Alone).Fault(FaultCodes.CannotFit, "the sites give 2 to every sample");
        Assert.Equal("scores.jsonl", new FitCase { Options = _scores }.RunOver([rows[0] with { Metadata = "{}" }], RunRanks.Alone).Fault(FaultCodes.CannotFit, "has no 'score'").Place!.File);
    }

    private static (FitCase Work, FitOutcome Outcome) Fitted(FitOptions options, IReadOnlyList<Prompt> rows, ICommunicator communicator)
    {
        var work = new FitCase { Options = options };
        return (work, work.RunOver(rows, new RunRanks(communicator)).Value()!);
    }

    private static byte Level(int id) => (byte)(id * 5);

    private static double Score(int id) => id + (7 * (id % 3));

    // Grey pictures of as many captions, each beside a white one.
    private Prompt[] Rows()
    {
        string Picture(byte level)
        {
            var path = Path.Combine(_folder, $"{level}.png");
            using var bitmap = new SKBitmap(FitCase.Size, FitCase.Size);
            bitmap.Erase(new SKColor(level, level, level));
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(path, data.ToArray());
            return path;
        }
        var white = Picture(255);
        return [.. Enumerable.Range(0, Pictures).Select(id => new Prompt(id, $"caption {id}", FormattableString.Invariant($$"""{"score":{{Score(id)}}}""")) { Pictures = [Picture(Level(id)), white] })];
    }
}
