using System.Diagnostics;
using System.Globalization;
using LeapAlign.Algorithms.Forward.Copg;
using LeapAlign.Algorithms.Forward.Ddo;
using LeapAlign.Algorithms.Forward.Dso;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Runtime;
using LeapAlign.Methods.Times;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// What <c>copg</c>, <c>dso</c> and <c>ddo</c> do to a small flow of the plane, by the code of the plugin: a checkerboard, of whose points those in the right half passed. Each figure has a bar.
/// </summary>
internal static class ScoredCases
{
    private const int Pool = 4000;

    /// <summary>Measures.</summary>
    /// <param name="name">One of copg, dso, ddo and bandit.</param>
    /// <param name="seeds">With commas between them.</param>
    /// <returns>LA5010 when a figure is beyond its bar.</returns>
    public static Result<Unit> Run(string name, string seeds)
    {
        if (!LibTorch.Load().TryGet(out _, out var fault)) return fault;
        NativeStart.Prepare();
        if (name == "bandit") return BanditCase.Run(Console.Out);
        if (name is not ("copg" or "dso" or "ddo")) return new Fault.Configuration(FaultCodes.BadOption, $"there is no case '{name}'; expected copg, dso, ddo or bandit");
        var beyond = 0;
        foreach (var seed in seeds.Split(',').Select(static text => long.Parse(text, CultureInfo.InvariantCulture)))
        {
            var started = Stopwatch.GetTimestamp();
            using var world = World.Of(seed);
            beyond += name switch
            {
                "copg" => Copg(world),
                "dso" => Dso(world),
                _ => Ddo(world),
            };
            Console.WriteLine(FormattableString.Invariant($"seed {seed}: {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s"));
        }
        return beyond == 0 ? Unit.Value : new Fault.Run(FaultCodes.ReplayDiffers, $"{beyond} figures are beyond their bars");
    }

    private static int Copg(World world)
    {
        var was = world.Tell("base", world.Base, static _ => true, out _);
        CopgSettings settings = new() { Beta = 0.05, LikelihoodScale = 20, Timesteps = 8 };
        using var learnt = world.Learn(new CopgAlgorithm(settings), 300, 3e-4, World.Any);
        using var held = world.Learn(new CopgAlgorithm(settings with { Beta = 0.3 }), 300, 3e-4, World.Any);
        world.Tell("copg, beta 0.05", learnt, figures => figures.Right >= 0.82 && figures.Off <= was.Off + 0.03, out var first);
        world.Tell("copg, beta 0.3", held, static figures => figures.Right is > 0.5 and < 0.7, out var second);
        return first + second;
    }

    private static int Dso(World world)
    {
        var was = world.Tell("base", world.Base, static _ => true, out _);
        using var guarded = world.Learn(new DsoAlgorithm(new DsoSettings { Guard = 0.2 }), 600, 3e-4, World.Pair);
        using var unguarded = world.Learn(new DsoAlgorithm(new DsoSettings { Guard = null }), 600, 3e-4, World.Pair);
        using var preferred = world.Learn(new DsoAlgorithm(new DsoSettings { Loss = FeedbackLoss.Dpo, Beta = 5 }), 600, 3e-4, World.Pair);
        world.Tell("dro, guard 0.2", guarded, figures => figures.Right >= 0.95 && figures.Off <= was.Off + 0.03, out var first);
        // Without a bound the points leave the board: the failure has to show.
        world.Tell("dro, no guard", unguarded, static figures => figures.Distance > 4, out var second);
        world.Tell("dpo, beta 5", preferred, static figures => figures.Right >= 0.99, out var third);
        return first + second + third;
    }

    private static int Ddo(World world)
    {
        using var drifted = world.Learn(new DsoAlgorithm(new DsoSettings { Guard = 0.2 }), 600, 3e-4, World.Pair);
        world.Tell("drifted", drifted, static _ => true, out _);
        using var fakes = drifted.Draw(world.Key.For("fakes"), Pool);
        using var real = Checkerboard.Points(world.Key.For("real"), Pool);
        var beyond = 0;
        foreach (var (alpha, beta, least, most) in new[] { (1.0, 0.5, 0.40, 0.65), (1, 5, 0.93, 1), (1, 0.1, 0, 0.20), (4, 0.5, 0, 0.20) })
        {
            DdoAlgorithm algorithm = new(new DdoSettings { Alpha = alpha, Beta = beta, Times = TimeKind.Uniform });
            using var learnt = world.Learn(algorithm, 300, 1e-4, (_, key) => ([real.index_select(0, World.Rows(key.For("first"), real)), fakes.index_select(0, World.Rows(key.For("second"), fakes))], World.Verdicts), drifted);
            world.Tell(FormattableString.Invariant($"ddo, alpha {alpha}, beta {beta}"), learnt, figures => figures.Right >= least && figures.Right <= most, out var bad);
            beyond += bad;
        }
        return beyond;
    }

    /// <summary>A network that draws the board, and points of it with verdicts.</summary>
    private sealed class World : IDisposable
    {
        public required RandomKey Key { get; init; }

        public required PlaneNetwork Base { get; init; }

        public required Tensor Points { get; init; }

        public required Tensor Passed { get; init; }

        public required Tensor Failed { get; init; }

        public static double[][] Verdicts { get; } = [[.. Enumerable.Repeat(1.0, PlaneStep.Batch)], [.. Enumerable.Repeat(0.0, PlaneStep.Batch)]];

        public static World Of(long seed)
        {
            var key = RandomKey.OfRun(seed).For("plane");
            var network = PlaneNetwork.Random(key.For("weights"));
            for (var step = 0; step < 3000; step++)
            {
                using var scope = NewDisposeScope();
                var own = key.For("pretraining", step);
                network.Errors(Checkerboard.Points(own.For("points"), 512), Checkerboard.Uniform(own.For("sigmas"), 512, 1).select(1, 0), own.For("noise").Normal([512, 2], CPU)).mean().backward();
                network.Update(2e-3 * Math.Min(1, Math.Sqrt(750.0 / (step + 1))));
            }
            var points = network.Draw(key.For("pool"), Pool);
            using var right = points.select(1, 0).gt(0);
            using var left = right.logical_not();
            return new World { Key = key, Base = network, Points = points, Passed = points.index([right]), Failed = points.index([left]) };
        }

        /// <summary>A point that passed and one that failed.</summary>
        public static (Tensor[] Points, double[][] Scores) Pair(World world, RandomKey key) =>
            ([world.Passed.index_select(0, Rows(key.For("first"), world.Passed)), world.Failed.index_select(0, Rows(key.For("second"), world.Failed))], Verdicts);

        /// <summary>Any two points.</summary>
        public static (Tensor[] Points, double[][] Scores) Any(World world, RandomKey key)
        {
            Tensor[] points = [world.Points.index_select(0, Rows(key.For("first"), world.Points)), world.Points.index_select(0, Rows(key.For("second"), world.Points))];
            return (points, [.. points.Select(static side => side.select(1, 0).gt(0).to(ScalarType.Float64).data<double>().ToArray())]);
        }

        public static Tensor Rows(RandomKey key, Tensor of) => (Checkerboard.Uniform(key, PlaneStep.Batch, 1).select(1, 0) * of.shape[0]).to(ScalarType.Int64).clamp_max(of.shape[0] - 1);

        public PlaneNetwork Learn(IAlgorithm algorithm, int steps, double rate, Func<World, RandomKey, (Tensor[] Points, double[][] Scores)> draw, PlaneNetwork? from = null)
        {
            var network = (from ?? Base).Copy();
            var step = new PlaneStep(network, from ?? Base);
            for (var number = 0; number < steps; number++)
            {
                using var scope = NewDisposeScope();
                var key = Key.For("step", number);
                var (points, scores) = draw(this, key);
                step.Make(algorithm, key, points, scores, rate);
            }
            return network;
        }

        public PointFigures Tell(string what, PlaneNetwork network, Func<PointFigures, bool> within, out int beyond)
        {
            using var points = network.Draw(Key.For("evaluation"), 8000);
            var figures = Checkerboard.Measure(points);
            beyond = within(figures) ? 0 : 1;
            Console.WriteLine($"{what,-24} {figures}{(beyond == 0 ? "" : "  BEYOND ITS BAR")}");
            return figures;
        }

        public void Dispose()
        {
            Base.Dispose();
            Points.Dispose();
            Passed.Dispose();
            Failed.Dispose();
        }
    }
}
