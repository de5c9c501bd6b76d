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
/// A flow in the plane that an algorithm trains as it trains a model: a network of three hidden layers of 128, its average, and the policy that training started from.
/// </summary>
internal sealed class PlaneFlow : IStepServices, IDisposable
{
    private const int Width = 128;

    private readonly Tensor[] _weights, _average, _first;
    private readonly RandomKey _key;
    private Tensor[] _used;

    /// <summary>A new network, or one that goes on from the average of another.</summary>
    public PlaneFlow(RandomKey key, PlaneFlow? from = null)
    {
        _key = key;
        (long Inputs, long Outputs)[] layers = [(3, Width), (Width, Width), (Width, Width), (Width, 2)];
        using var _ = no_grad();
        _weights = from is null ? [.. layers.SelectMany((layer, index) => Layer(key.For("layer", index), layer))] : Copy(from._average);
        (_average, _first, _used) = (Copy(_weights), Copy(_weights), _weights);
        foreach (var weight in _weights) weight.requires_grad_();
    }

    /// <summary>v.</summary>
    /// <param name="x">[B, 2].</param>
    /// <param name="sigma">[B] or [1].</param>
    public Tensor Velocity(Tensor x, Tensor sigma)
    {
        var hidden = cat([x, sigma.expand(x.shape[0]).unsqueeze(1)], 1);
        for (var layer = 0; layer < _used.Length; layer += 2)
        {
            hidden = nn.functional.linear(hidden, _used[layer], _used[layer + 1]);
            if (layer + 2 < _used.Length) hidden = nn.functional.silu(hidden);
        }
        return hidden;
    }

    /// <summary>Euler steps of the average from noise.</summary>
    /// <param name="noise">[n, 2].</param>
    /// <param name="steps">N, evenly spaced.</param>
    /// <returns>The end, and how far the paths are from lines: a sum over both dimensions.</returns>
    public (Tensor End, double Straightness) Roll(Tensor noise, int steps)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var averaged = Use(_average);
        var x = noise;
        List<Tensor> velocities = [];
        for (var step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            velocities.Add(Velocity(x, tensor(1f - ((float)step / steps)).unsqueeze(0)).MoveToOuterDisposeScope());
            x = (x - (velocities[^1] / steps)).MoveToOuterDisposeScope();
        }
        var line = noise - x;
        return (x.MoveToOuterDisposeScope(), velocities.Average(velocity => (line - velocity).square().sum([1]).mean().item<float>()));
    }

    /// <summary>Descends with Adam, the gradient clipped to nothing, the rate warmed up and decayed, and an average of the weights.</summary>
    /// <param name="steps">Steps.</param>
    /// <param name="rate">The highest rate.</param>
    /// <param name="backward">Adds the gradient of a step up.</param>
    public void Train(int steps, double rate, Action<int> backward)
    {
        var parameters = new ParameterSet(_weights.Select(static (weight, index) => new Parameter($"{index}", ParameterRole.Matrix, weight)));
        using var adam = new AdamWUpdates("adamw", new AdamWForm(0.9, 0.999, 1e-8, Fused: true), parameters, new WeightDecay(0, All: false));
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            parameters.ClearGradients();
            backward(step);
            adam.Update(rate * Math.Min(1, step / 100.0) * Math.Min(1, Math.Sqrt(0.25 * steps / (step + 1))));
            using var _ = no_grad();
            var decay = Math.Min(0.999, (1.0 + step) / (10 + step));
            for (var weight = 0; weight < _weights.Length; weight++) _average[weight].mul_(decay).add_(_weights[weight], 1 - decay);
        }
    }

    /// <summary>Trains by an algorithm, on samples of one caption.</summary>
    /// <param name="algorithm">It was checked.</param>
    /// <param name="schedule">How the algorithm samples.</param>
    /// <param name="size">Samples, steps and the highest rate.</param>
    public void Train(IAlgorithm algorithm, (ISampler Sampler, Schedule Schedule) schedule, (int Batch, int Steps, double Rate) size) => Train(size.Steps, size.Rate, index =>
    {
        var key = _key.For("step", index);
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
                    Noise = key.For("noise").Normal([size.Batch, 2], CPU),
                    Schedule = schedule.Schedule,
                    Sampler = schedule.Sampler,
                    Random = key,
                    StepKey = key,
                },
            ],
        };
        foreach (var objective in algorithm.Step(step)) (objective.Loss * objective.Share).backward();
    });

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        // Along a rollout of all pairs the layers in between would be kept until its end.
        using var scope = NewDisposeScope();
        return Velocity(latents, tensor([.. sigmas.Select(static sigma => (float)sigma)])).MoveToOuterDisposeScope();
    }

    public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

    public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException();

    public Tensor? Sampled(MicroBatch batch) => null;

    public IDisposable Use(string policy) => Use(_first);

    public void Dispose()
    {
        foreach (var weight in _weights.Concat(_average).Concat(_first)) weight.Dispose();
    }

    private Restoring Use(Tensor[] weights)
    {
        var before = _used;
        _used = weights;
        return new Restoring(() => _used = before);
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
