using System.Globalization;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// Whether pictures of rollouts with drafts have the law of rollouts without, by a two-sample test on features of the pictures: the maximum mean discrepancy (Gretton and others 2012) of pooled pixels and scores under a
/// Gaussian kernel as wide as the median distance, with permutations. Captions are drawn in both, so that pictures are independent. Fewer steps than the target's have to be found out, which shows what the test can see.
/// </summary>
internal static class SameLawCase
{
    private const string Config = "examples/speculative.json";
    private const int Steps = 8, Batch = 32, Group = 2, Cells = 8, Permutations = 2000, Coarse = 4;
    private const double Level = 0.01;

    /// <summary>Runs it for seeds.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> seeds) => SeededCases.Run("| pictures of | seed | against flow-sde, p | drafts accepted | calls of the target | calls without drafts |", seeds, Seed);

    private static List<string> Seed(long seed)
    {
        using var scope = NewDisposeScope();
        // Three seeds of a run, so that nothing is drawn twice.
        var target = Drawn(3 * seed, Sampler(10));
        var drafted = Drawn((3 * seed) + 1, $$"""sampler={"id":"speculative","settings":{"drafter":"teacher","steps":10,"noiseLevel":0.7} }""");
        var coarser = Drawn((3 * seed) + 2, Sampler(Coarse));
        var (same, other) = (PValue(drafted.Features, target.Features, seed), PValue(coarser.Features, target.Features, seed));
        Row("speculative", seed, same, $"{drafted.Measured("draft_accepted"):P1} | {drafted.Measured("target_calls"):F2} | {target.Calls}");
        Row($"flow-sde in {Coarse} steps", seed, other, $" | | {coarser.Calls}");
        return
        [
            .. SeededCases.Unless(same >= Level, $"seed {seed}: drafts draw other pictures, p = {same:G3}"),
            .. SeededCases.Unless(other < Level, $"seed {seed}: the test does not see fewer steps, p = {other:G3}"),
        ];
    }

    /// <summary>How often a random split of all rows differs at least as much as the two samples do.</summary>
    /// <param name="first">[n, d].</param>
    /// <param name="second">[m, d].</param>
    /// <param name="seed">Of the permutations.</param>
    internal static double PValue(Tensor first, Tensor second, long seed)
    {
        using var scope = NewDisposeScope();
        var all = cat([first, second]).to(ScalarType.Float64);
        var (mean, deviation) = (all.mean([0], keepdim: true), all.std([0], unbiased: true, keepdim: true).clamp_min(1e-9));
        all = (all - mean) / deviation;
        var squares = all.square().sum(1, keepdim: true);
        var distances = (squares + squares.t() - (2 * all.matmul(all.t()))).clamp_min(0);
        var kernel = (-distances / (2 * distances.median())).exp();
        var (n, m) = (first.shape[0], second.shape[0]);
        var signs = cat([full(n, 1.0 / n, dtype: ScalarType.Float64), full(m, -1.0 / m, dtype: ScalarType.Float64)]);
        var random = RandomKey.OfRun(seed).For("permutations").Open();
        var splits = stack([signs, .. Enumerable.Range(0, Permutations).Select(_ => signs[tensor(random.Shuffle(Enumerable.Range(0, (int)(n + m)).Select(static row => (long)row)))])], 1);
        var discrepancies = (splits * kernel.matmul(splits)).sum([0]).data<double>().ToArray();
        // The split that was observed is one of those that there are.
        return discrepancies.Count(value => value >= discrepancies[0]) / (double)discrepancies.Length;
    }

    private static string Sampler(int steps) => $$"""sampler={"id":"flow-sde","settings":{"steps":{{steps}},"noiseLevel":0.7} }""";

    private static void Row(string name, long seed, double p, string rest) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {seed} | {p:F4} | {rest} |"));

    private static Pictures Drawn(long seed, string sampler)
    {
        Pictures? drawn = null;
        string[] overrides = [sampler, string.Create(CultureInfo.InvariantCulture, $"run.seed={seed}"), $"run.batch={Batch}", "run.accumulation=2", $"run.group={Group}"];
        Bench.With(overrides, bench => drawn = Draw(bench), output: TextWriter.Null, config: Config).Required();
        return drawn!;
    }

    private static Pictures Draw(Bench bench)
    {
        using var copies = new PolicyCopies(bench.Parts.Trained, [], reference: false, Steps);
        var stages = new OpenStages();
        using var batches = new StepBatches(bench.Plan, bench.Parts, copies, stages, bench.Device);
        using var gradients = no_grad();
        List<Tensor> features = [];
        List<(string Name, double Value)> measured = [];
        var calls = 0;
        for (var index = 0; index < Steps; index++)
        {
            using var step = batches.Of(index, static (_, _, _) => { });
            foreach (var batch in step.Batches) Add(batch);
            batches.Watch.Clear();
        }
        return new Pictures(cat(features), measured, calls);

        void Add(MicroBatch batch)
        {
            using var scope = NewDisposeScope();
            var sample = batch.Sampler.Roll(batch.Noise, batch.Path with
            {
                Noise = at => batch.Normal("step", at),
                Measured = one => measured.Add((one.Name, one.Value.to(ScalarType.Float64).mean().item<double>())),
            });
            calls = batch.Schedule.Steps;
            var images = bench.Parts.Model.Decode(sample).to(ScalarType.Float32);
            var pooled = nn.functional.adaptive_avg_pool2d(images, [Cells, Cells]).flatten(1);
            var captions = new ScoredSamples([.. batch.Prompts]);
            Tensor[] scores = [.. bench.Parts.Rewards.Select(reward => reward.Score(captions, images.clamp(0, 1)).to(ScalarType.Float32).unsqueeze(1))];
            // One picture of each caption: those of a group are not independent.
            features.Add(cat([pooled, .. scores], 1)[TensorIndex.Slice(step: Group)].DetachFromDisposeScope());
        }
    }

    /// <summary>Pictures of some steps.</summary>
    /// <param name="Features">[n, d].</param>
    /// <param name="All">What the sampler measured.</param>
    /// <param name="Calls">Evaluations one after the other without drafts.</param>
    private sealed record Pictures(Tensor Features, IReadOnlyList<(string Name, double Value)> All, int Calls)
    {
        public double Measured(string name) => All.Where(one => one.Name == name).Select(static one => one.Value).DefaultIfEmpty(double.NaN).Average();
    }
}
