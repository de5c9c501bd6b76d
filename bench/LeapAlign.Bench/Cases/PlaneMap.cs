using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// A flow map of the plane that an algorithm trains as it trains a model: a network of three hidden layers of 128 of a point and two times. A sample is a few points of a checkerboard that share their times, as the
/// numbers of a picture do: draws of a sample are keyed, and cost more than the network where a sample is one point.
/// </summary>
internal sealed class PlaneMap : IStepServices, IDisposable
{
    /// <summary>Points of a sample.</summary>
    public const int Points = 4;

    private const int Width = 128;

    private readonly Tensor[] _weights, _first;
    private readonly RandomKey _key;
    private Tensor[] _used;
    private Tensor? _points;

    /// <summary>A new network, or one that goes on from another.</summary>
    public PlaneMap(RandomKey key, PlaneMap? from = null)
    {
        _key = key;
        (long Inputs, long Outputs)[] layers = [(4, Width), (Width, Width), (Width, Width), (Width, 2)];
        using var _ = no_grad();
        _weights = from is null ? [.. layers.SelectMany((layer, index) => Layer(key.For("layer", index), layer))] : Copy(from._weights);
        (_first, _used) = (Copy(_weights), _weights);
        foreach (var weight in _weights) weight.requires_grad_();
    }

    /// <summary>u.</summary>
    /// <param name="x">[B, points, 2].</param>
    /// <param name="times">One pair, or B.</param>
    public Tensor Jump(Tensor x, IReadOnlyList<(double From, double To)> times)
    {
        using var scope = NewDisposeScope();
        Tensor Column(Func<(double From, double To), double> of) => tensor([.. times.Select(time => (float)of(time))]).reshape(-1, 1, 1).expand(x.shape[0], x.shape[1], 1);
        var hidden = cat([x, Column(static time => time.From), Column(static time => time.To)], 2);
        for (var layer = 0; layer < _used.Length; layer += 2)
        {
            hidden = nn.functional.linear(hidden, _used[layer], _used[layer + 1]);
            if (layer + 2 < _used.Length) hidden = nn.functional.silu(hidden);
        }
        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>Where noise ends along an even grid.</summary>
    /// <param name="noise">[1, n, 2].</param>
    /// <param name="sampler">Jumps, or steps of the velocity.</param>
    /// <param name="steps">N.</param>
    public Tensor Roll(Tensor noise, ISampler sampler, int steps)
    {
        using var _ = no_grad();
        var schedule = new Schedule(Enumerable.Range(0, steps + 1).Select(step => 1 - ((double)step / steps)));
        (double, double) Times(int from, int to) => (schedule.Sigma(from), schedule.Sigma(to));
        return sampler.Roll(noise, new SamplingPath(schedule, (x, step) => Jump(x, [Times(step, step)])) { Map = (x, from, to) => Jump(x, [Times(from, to)]) });
    }

    /// <summary>Trains by an algorithm with Adam, its rate warmed up and falling at the end.</summary>
    /// <param name="algorithm">It was checked.</param>
    /// <param name="sampler">The sampler of the run, and its grid.</param>
    /// <param name="size">Samples, steps and the highest rate.</param>
    public void Train(IAlgorithm algorithm, (ISampler Sampler, Schedule Schedule) sampler, (int Batch, int Steps, double Rate) size)
    {
        var parameters = new ParameterSet(_weights.Select(static (weight, index) => new Parameter($"{index}", ParameterRole.Matrix, weight)));
        using var adam = new AdamWUpdates("adamw", new AdamWForm(0.9, 0.999, 1e-8, Fused: true), parameters, new WeightDecay(0, All: false));
        for (var index = 0; index < size.Steps; index++)
        {
            using var scope = NewDisposeScope();
            var key = _key.For("step", index);
            parameters.ClearGradients();
            _points = Checkerboard.Draw(key.For("points"), size.Batch * Points).reshape(size.Batch, Points, 2);
            using var step = new AlignmentStep(this)
            {
                Index = index,
                Random = key,
                Batches =
                [
                    new MicroBatch(this)
                    {
                        Prompts = [.. Enumerable.Repeat(new Prompt(0, "a checkerboard"), size.Batch)],
                        Samples = [.. Enumerable.Range(0, size.Batch).Select(static sample => (long)sample)],
                        Noise = zeros(size.Batch, Points, 2),
                        Schedule = sampler.Schedule,
                        Sampler = sampler.Sampler,
                        Random = key,
                        StepKey = key,
                    },
                ],
            };
            foreach (var objective in algorithm.Step(step)) (objective.Loss * objective.Share).backward();
            adam.Update(size.Rate * Math.Min(1, (index + 1) / 100.0) * Math.Min(1, 4 * (1 - ((double)index / size.Steps))));
        }
    }

    public Tensor MeanVelocity(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided) => Jump(latents, times);

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => Jump(latents, [.. sigmas.Select(static sigma => (sigma, sigma))]);

    public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

    public Tensor Pictures(MicroBatch batch, int number) => _points!;

    public Tensor? Sampled(MicroBatch batch) => null;

    public IDisposable Use(string policy)
    {
        var before = _used;
        _used = _first;
        return new Restoring(() => _used = before);
    }

    public void Dispose()
    {
        foreach (var weight in _weights.Concat(_first)) weight.Dispose();
    }

    private static IEnumerable<Tensor> Layer(RandomKey key, (long Inputs, long Outputs) size)
    {
        var bound = 1 / Math.Sqrt(size.Inputs);
        yield return Spread(Checkerboard.Unit(key.For("weight"), size.Outputs, size.Inputs), bound);
        yield return Spread(Checkerboard.Unit(key.For("bias"), size.Outputs), bound);
    }

    private static Tensor Spread(Tensor uniform, double bound) => uniform.mul_(2).sub_(1).mul_(bound).DetachFromDisposeScope();

    private static Tensor[] Copy(Tensor[] weights) => [.. weights.Select(static weight => weight.detach().clone().DetachFromDisposeScope())];

    private sealed class Restoring(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}
