using System.Diagnostics;
using System.Globalization;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// What arXiv 2209.03003 says of rectified flow, on a checkerboard in the plane: the second flow is straight, draws in one step almost what it draws in fifty, and is the better teacher of a
/// one-step model than the first. The algorithms are those of the product, with their store of pairs.
/// </summary>
internal static class ReflowCase
{
    private const int Batch = 256, FirstSteps = 5000, ReflowSteps = 3000, DistilSteps = 1000, Pairs = 20_000, PairSteps = 50, Drawn = 20_000;
    private const double Straighter = 50, OneStep = 0.55, Worse = 1.1;

    private static readonly Schedule s_schedule = new(Enumerable.Range(0, PairSteps + 1).Select(static step => 1 - ((double)step / PairSteps)));

    /// <summary>Runs the case for each seed, and says whether every one of them shows what is published.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> seeds) => SeededCases.Run("| seed | flow | straightness | KL, 1 step | 4 steps | 50 steps |", seeds, Seed);

    private static List<string> Seed(long seed)
    {
        var (key, began) = (RandomKey.OfRun(seed), Stopwatch.GetTimestamp());
        var store = Directory.CreateTempSubdirectory("leapalign-reflow-");
        try
        {
            using var scope = NewDisposeScope();
            using var first = new PlaneFlow(key.For("first"));
            first.Train(FirstSteps, 2e-3, step => Matching(first, key.For("data", step)));
            var curved = Report(seed, "1-RF", first);
            using var second = Trained("reflow", first, (key.For("second"), store.FullName, $"first-{seed}"), ReflowSteps);
            var straight = Report(seed, "2-RF", second);
            using var distilled = Trained("reflow-distill", second, (key.For("distilled"), store.FullName, $"second-{seed}"), DistilSteps);
            var good = Report(seed, "2-RF, distilled", distilled);
            using var direct = Trained("reflow-distill", first, (key.For("direct"), store.FullName, $"first-{seed}"), DistilSteps);
            var bad = Report(seed, "1-RF, distilled", direct);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s"));
            return
            [
                .. SeededCases.Unless(curved.Straightness >= Straighter * straight.Straightness, $"seed {seed}: the second flow is not {Straighter} times as straight"),
                .. SeededCases.Unless(straight.One <= OneStep, $"seed {seed}: one step of the second flow is beyond {OneStep}"),
                .. SeededCases.Unless(straight.Fifty <= Worse * curved.Fifty, $"seed {seed}: fifty steps of the second flow are more than {Worse} times as far off as those of the first"),
                .. SeededCases.Unless(good.One < bad.One, $"seed {seed}: the first flow distils better than the second"),
            ];
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }

    // Flow matching with noise that has nothing to do with the data: the first flow.
    private static void Matching(PlaneFlow flow, RandomKey key)
    {
        var (data, noise, sigma) = (Checkerboard.Draw(key, Batch), key.For("noise").Normal([Batch, 2], CPU), Checkerboard.Unit(key.For("sigma"), Batch));
        var level = sigma.unsqueeze(1);
        (flow.Velocity(((1 - level) * data) + (level * noise), sigma) - (noise - data)).square().mean().backward();
    }

    private static PlaneFlow Trained(string id, PlaneFlow from, (RandomKey Key, string Store, string Weights) run, int steps)
    {
        var settings = string.Create(CultureInfo.InvariantCulture, $$"""{"store": ".", "pairs": {{Pairs}}, "together": {{Pairs}}, "precision": "float32", "straightnessEvery": 0}""");
        var algorithm = FewStepsCases.Algorithm(id, settings, run.Store, new RunShape(s_schedule, Batch) { Origin = () => new SampleOrigin("checkerboard", run.Weights, "flow-euler", 1, [2]) });
        var trained = new PlaneFlow(run.Key, from);
        trained.Train(algorithm, (new FlowEulerSampler(new FlowEulerSettings()), s_schedule), (Batch, steps, 1e-3));
        return trained;
    }

    private static (double Straightness, double One, double Fifty) Report(long seed, string name, PlaneFlow flow)
    {
        using var scope = NewDisposeScope();
        var noise = RandomKey.OfRun(7).Normal([Drawn, 2], CPU);
        var (end, straightness) = flow.Roll(noise, 50);
        double Divergence(int steps) => Checkerboard.Divergence(flow.Roll(noise, steps).End);
        var (one, four, fifty) = (Divergence(1), Divergence(4), Checkerboard.Divergence(end));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {seed} | {name} | {straightness:0.0000} | {one:0.000} | {four:0.000} | {fifty:0.000} |"));
        return (straightness, one, fifty);
    }
}
