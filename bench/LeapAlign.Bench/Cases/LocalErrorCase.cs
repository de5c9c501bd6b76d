using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A planar map learned by a flow of eight midpoint steps, without and with the regulariser: how far four Euler steps are from the flow.</summary>
internal static class LocalErrorCase
{
    private const int Steps = 8, Batch = 64, Updates = 1500;

    public static IEnumerable<CaseFigure> Run()
    {
        foreach (var seed in Enumerable.Range(0, 3))
        {
            var (free, held) = (Train(seed, 0), Train(seed, 0.5));
            yield return new CaseFigure($"weight 0.5 / 0, seed {seed}: squared gap of four Euler steps", held.Gap / free.Gap, "<= 0.5", held.Gap <= 0.5 * free.Gap);
            yield return new CaseFigure($"weight 0.5 / 0, seed {seed}: mean squared error", held.Error / free.Error, "<= 1.4", held.Error <= 1.4 * free.Error);
            yield return new CaseFigure($"weight 0.5 - 0, seed {seed}: evaluations of an adaptive solver", held.Evaluations - free.Evaluations, "<= 0", held.Evaluations <= free.Evaluations);
        }
    }

    private static (double Error, int Evaluations, double Gap) Train(int seed, double weight)
    {
        using var scope = NewDisposeScope();
        var objective = CasesBench.Objective("local-error", "{}");
        var key = RandomKey.OfRun(seed);
        using var weights = new CaseWeights(CasesBench.Optimizer("adamw", """{ "rate": 5e-3, "weightDecay": 0, "fused": false }"""), [.. Layers(key)]);
        Tensor Velocity(Tensor x, double time)
        {
            var state = cat([x, full([x.shape[0], 1], time, dtype: x.dtype)], 1);
            for (var layer = 0; layer < 3; layer++)
            {
                state = state.matmul(weights.Values[2 * layer].t()) + weights.Values[(2 * layer) + 1];
                if (layer < 2) state = state.tanh();
            }
            return state;
        }
        for (var update = 0; update < Updates; update++)
        {
            using var inner = NewDisposeScope();
            var x = key.For("x", update).Normal([Batch, 2], CPU);
            List<Tensor> path = [x];
            for (var step = 0; step < Steps; step++)
            {
                var (z, h, time) = (path[^1], 1.0 / Steps, (double)step / Steps);
                path.Add(z + (Velocity(z + (Velocity(z, time) * (h / 2)), time + (h / 2)) * h));
            }
            var loss = (path[^1] - Map(x)).square().mean();
            if (weight > 0)
            {
                // Noise levels fall from 1 to 0 where time rises.
                var services = new Services((state, sigma) => Velocity(state, 1 - sigma).neg(), path);
                loss += objective.Of(new AlignmentStep(services) { Index = update, Batches = [services.Batch(key.For("step", update))], Random = key }, services.Batch(key.For("step", update)), 0).Loss * weight;
            }
            loss.backward();
            weights.Update(1 - ((double)update / Updates));
        }
        using var _ = no_grad();
        var given = RandomKey.OfRun(9).For("given").Normal([256, 2], CPU);
        var (exact, evaluations) = AdaptiveSolver.Solve((x, time) => Velocity(x.to(float32), time).to(float64), given.to(float64), 1e-6);
        var coarse = given;
        for (var step = 0; step < 4; step++) coarse += Velocity(coarse, step / 4.0) * 0.25;
        return ((exact - Map(given)).square().mean().item<double>(), evaluations, (coarse - exact).square().mean().item<double>());
    }

    // A rotation and .3 sin 2x.
    private static Tensor Map(Tensor x)
    {
        var (c, s) = ((float)Math.Cos(1.2), (float)Math.Sin(1.2));
        return x.matmul(tensor([c, s, -s, c]).reshape(2, 2).to(x.dtype)) + ((x * 2).sin() * 0.3);
    }

    private static IEnumerable<Tensor> Layers(RandomKey key)
    {
        foreach (var (outputs, inputs) in new[] { (32, 3), (32, 32), (2, 32) })
        {
            var random = key.For("layer", (100 * outputs) + inputs).Open();
            Tensor Uniform(params long[] shape) => tensor(Enumerable.Range(0, (int)shape.Aggregate(static (a, b) => a * b)).Select(_ => (float)(((2 * random.NextDouble()) - 1) / Math.Sqrt(inputs))).ToArray()).reshape(shape);
            yield return Uniform(outputs, inputs);
            yield return Uniform(outputs);
        }
    }

    private sealed class Services(Func<Tensor, double, Tensor> velocity, List<Tensor> path) : IStepServices
    {
        private static readonly Schedule s_schedule = new(Enumerable.Range(0, Steps + 1).Select(static step => 1 - ((double)step / Steps)));

        public MicroBatch Batch(RandomKey key) => new(this)
        {
            Prompts = [.. Enumerable.Repeat(new Prompt(0, ""), LocalErrorCase.Batch)],
            Samples = [.. Enumerable.Range(0, LocalErrorCase.Batch).Select(static sample => (long)sample)],
            Noise = path[0],
            Schedule = s_schedule,
            Sampler = new NoSampler(),
            Random = key,
            StepKey = key,
        };

        public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => velocity(latents, sigmas[0]);

        public Tensor? Sampled(MicroBatch batch) => path[^1].detach();

        public Tensor? Sampled(MicroBatch batch, int at) => path[at].detach();

        public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

        public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException();

        public IDisposable Use(string policy) => throw new NotSupportedException();
    }

    private sealed class NoSampler : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public Tensor Roll(Tensor latents, SamplingPath path) => throw new NotSupportedException();
    }
}
