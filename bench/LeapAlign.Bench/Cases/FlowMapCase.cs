using System.Diagnostics;
using System.Globalization;
using LeapAlign.Algorithms.FewSteps.Maps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// What arXiv 2505.18825 says of flow maps that teach themselves, on a checkerboard in the plane: the Lagrangian condition draws best in one jump, few jumps draw almost what fifty steps of the map's own velocity do,
/// and one step of that velocity draws nothing. The algorithms and samplers are those of the product.
/// </summary>
internal static class FlowMapCase
{
    private const int Batch = 256, Steps = 6000, TrajectorySteps = 3000, Rollouts = 5000, Drawn = 40_000;
    private const double Rate = 2e-3, OneJump = 0.5, Worse = 1.35, Nothing = 4;

    // Fifty steps in all where a rollout is learned from.
    private static readonly Schedule s_schedule = new([1, 0.8, 0.6, 0.4, 0.2, 0]);

    private static readonly (string Name, string Id, string Settings)[] s_methods =
    [
        ("LSD-T", "flow-map-lsd", "{}"),
        ("LSD", "flow-map-lsd", """{"derivative": "prediction"}"""),
        ("PSD-M", "flow-map-psd", "{}"),
        ("ESD-T", "flow-map-esd", "{}"),
    ];

    /// <summary>Runs the case for each seed, and says whether every one of them shows what is published.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> seeds) => SeededCases.Run("| seed | method | KL, 1 jump | 2 jumps | 4 jumps | Euler 50 | Euler 1 |", seeds, Seed);

    private static List<string> Seed(long seed)
    {
        var key = RandomKey.OfRun(seed);
        var store = Directory.CreateTempSubdirectory("leapalign-maps-");
        try
        {
            Dictionary<string, Figures> found = [];
            foreach (var (name, id, settings) in s_methods)
            {
                using var map = new PlaneMap(key);
                found[name] = Trained(map, (seed, name), Made(id, settings, store.FullName, seed), Steps);
            }
            // A velocity first, then what its rollouts do.
            using var velocity = new PlaneMap(key);
            Trained(velocity, (seed, "velocity"), Made("flow-map-psd", """{"diagonal": 1}""", store.FullName, seed), Steps);
            using var taught = new PlaneMap(key.For("trajectory"), velocity);
            found["trajectory"] = Trained(taught, (seed, "trajectory"), Made("flow-map-trajectory", string.Create(CultureInfo.InvariantCulture, $$"""{"store": ".", "pairs": {{Rollouts}}, "together": {{Rollouts}}, "substeps": 10}"""), store.FullName, seed), TrajectorySteps);
            return
            [
                .. SeededCases.Unless(found["LSD"].One <= OneJump, $"seed {seed}: one jump of LSD is beyond {OneJump}"),
                .. SeededCases.Unless(found["LSD"].One < found["PSD-M"].One, $"seed {seed}: one jump of PSD-M is better than that of LSD"),
                .. s_methods.SelectMany(method => SeededCases.Unless(found[method.Name].Four <= Worse * found[method.Name].Fifty, $"seed {seed}: four jumps of {method.Name} are more than {Worse} times as far off as fifty steps")),
                .. s_methods.SelectMany(method => SeededCases.Unless(found[method.Name].Euler >= Nothing, $"seed {seed}: one step of the velocity of {method.Name} draws something")),
            ];
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }

    private static IAlgorithm Made(string id, string json, string folder, long seed) =>
        FewStepsCases.Algorithm(id, json, folder, new RunShape(s_schedule, Batch) { Origin = () => new SampleOrigin("checkerboard", $"velocity-{seed}", "flow-map", 1, [PlaneMap.Points, 2]) });

    private static Figures Trained(PlaneMap map, (long Seed, string Name) run, IAlgorithm algorithm, int steps)
    {
        var began = Stopwatch.GetTimestamp();
        using var scope = NewDisposeScope();
        var jumps = new FlowMapSampler(new FlowMapSamplerSettings());
        map.Train(algorithm, (jumps, s_schedule), (Batch, steps, Rate));
        var noise = RandomKey.OfRun(7).Normal([1, Drawn, 2], CPU);
        double Jumps(int count) => Checkerboard.Divergence(map.Roll(noise, jumps, count).squeeze(0));
        double Euler(int count) => Checkerboard.Divergence(map.Roll(noise, new FlowEulerSampler(new FlowEulerSettings()), count).squeeze(0));
        var found = new Figures(Jumps(1), Jumps(2), Jumps(4), Euler(50), Euler(1));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {run.Seed} | {run.Name} | {found.One:0.000} | {found.Two:0.000} | {found.Four:0.000} | {found.Fifty:0.000} | {found.Euler:0.00} |"));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {run.Seed}, {run.Name}: {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s"));
        return found;
    }

    private sealed record Figures(double One, double Two, double Four, double Fifty, double Euler);
}
