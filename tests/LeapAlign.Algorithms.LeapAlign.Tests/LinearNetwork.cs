using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign.Tests;

/// <summary>The scalar network v(x, σ) = a x + b σ in double, whose gradients are known in closed form.</summary>
internal sealed class LinearNetwork
{
    public static readonly Schedule Schedule = new([1, 0.8, 0.5, 0.2, 0]);

    public Tensor A { get; } = tensor(0.6, dtype: float64).requires_grad_();

    public Tensor B { get; } = tensor(-0.4, dtype: float64).requires_grad_();

    public List<(int Step, bool Gradient)> Calls { get; } = [];

    /// <summary>Runs one step of the algorithm with the negated final sample as loss-like reward and returns its objective.</summary>
    public Objective Step(LeapAlignSettings settings, LeapPair pair, Func<Tensor, Tensor>? reward = null, double[]? noise = null)
    {
        var algorithm = new LeapAlignAlgorithm(settings, (_, _) => pair);
        return algorithm.Step(new AlignmentStep
        {
            Index = 0,
            Noise = tensor(noise ?? [1.5]),
            Schedule = Schedule,
            Sampler = new FlowEulerSampler(new FlowEulerSettings()),
            Velocity = (latents, step) =>
            {
                Calls.Add((step, is_grad_enabled()));
                return (A * latents) + (B * Schedule.Sigma(step));
            },
            Score = new Stage<Tensor, Tensor>("score", reward ?? (static latents => latents)),
            Random = RandomKey.OfRun(0),
        }).Single();
    }
}
