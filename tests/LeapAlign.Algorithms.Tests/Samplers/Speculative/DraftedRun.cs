using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Speculative.Tests;

/// <summary>A path of double states on several dimensions, whose policy and second model are functions of state and noise level.</summary>
internal sealed class DraftedRun
{
    public Func<Tensor, Tensor, Tensor> Policy { get; init; } = GaussianVelocity;

    public Func<Tensor, Tensor, Tensor> Second { get; init; } = GaussianVelocity;

    public Schedule Schedule { get; init; } = Sigmas.Explicit(7, 3);

    public int Samples { get; init; } = 6;

    /// <summary>The number of the first sample: its draws are its own.</summary>
    public int First { get; init; }

    public int Dimensions { get; init; } = 2;

    /// <summary>Steps with noise; all where it is not said.</summary>
    public Func<int, bool> Noisy { get; init; } = static _ => true;

    /// <summary>Evaluations ahead: who, of which samples, at which steps.</summary>
    public List<(string Who, int[] Samples, int[] Steps)> Calls { get; } = [];

    /// <summary>Steps whose own velocity was asked for.</summary>
    public List<int> Walked { get; } = [];

    public List<int> Drawn { get; } = [];

    public Dictionary<string, double[]> Measured { get; } = [];

    public List<(int Index, Tensor State, Tensor Velocity, Tensor Next)> Passed { get; } = [];

    /// <summary>Data N(0.5, 0.8²) and noise N(0, 1).</summary>
    public static Tensor GaussianVelocity(Tensor x, Tensor sigma)
    {
        var rest = 1 - sigma;
        var variance = (rest * rest * 0.64) + (sigma * sigma);
        return ((sigma - (rest * 0.64)) / variance * (x - (rest * 0.5))) - 0.5;
    }

    public Tensor Noise() => RandomKey.NormalOfEach(Keys("start"), [Dimensions], CPU).to(float64);

    public SamplingPath Path(bool listens = true) => new(Schedule, (x, step) =>
    {
        Walked.Add(step);
        return Policy(x, Levels([step]));
    })
    {
        Ahead = new(Ask("policy", Policy), Ask("second", Second), step => [.. Keys("accepted", step).Select(static key => key.Open().NextDouble())]),
        Noise = step =>
        {
            if (!Noisy(step)) return null;
            Drawn.Add(step);
            return RandomKey.NormalOfEach(Keys("noise", step), [Dimensions], CPU);
        },
        Measured = measured => Measured[measured.Name] = [.. measured.Value.data<double>()],
        Passed = listens ? passed => Passed.Add((passed.Index, Kept(passed.State), Kept(passed.Velocity), Kept(passed.Next))) : null,
    };

    public Tensor Roll(ISampler sampler, SamplingPath? path = null) => sampler.Roll(Noise(), path ?? Path());

    public Tensor Levels(IReadOnlyList<int> steps) => tensor([.. steps.Select(Schedule.Sigma)], dtype: float64).unsqueeze(1);

    private VelocityAhead Ask(string who, Func<Tensor, Tensor, Tensor> network) => (x, samples, steps) =>
    {
        Assert.Equal((x.shape[0], x.shape[0]), (samples.Count, steps.Count));
        Calls.Add((who, [.. samples], [.. steps]));
        return network(x, Levels(steps));
    };

    private IEnumerable<RandomKey> Keys(string purpose, long index = 0) => Enumerable.Range(First, Samples).Select(sample => RandomKey.OfRun(7).For("sample", sample).For(purpose, index));

    private static Tensor Kept(Tensor tensor) => tensor.clone().DetachFromDisposeScope();
}
