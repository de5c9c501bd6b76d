using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Testing;

/// <summary>
/// The scalar network <c>v(x, σ) = a x + b σ</c> in double, whose gradients are known in closed form (specification of the oracle: a = 0.6, b = −0.4,
/// x_init = 1.5, σ = 1, 0.8, 0.5, 0.2, 0, and the reward is the sample itself).
/// </summary>
public sealed class ScalarNetwork
{
    public Tensor A { get; } = tensor(0.6, dtype: float64).requires_grad_();

    public Tensor B { get; } = tensor(-0.4, dtype: float64).requires_grad_();

    public Schedule Schedule { get; init; } = new([1, 0.8, 0.5, 0.2, 0]);

    /// <summary>x_init of each sample.</summary>
    public double[] Noise { get; init; } = [1.5];

    /// <summary>The reward of latents [B].</summary>
    public Func<Tensor, Tensor> Reward { get; init; } = static latents => latents;

    /// <summary>The prompt of each sample; absent, each has its own.</summary>
    public int[]? Groups { get; init; }

    public long Seed { get; init; }

    /// <summary>Every evaluation: σ of the first sample, and whether it was recorded for a backward.</summary>
    public List<(double Sigma, bool Gradient)> Calls { get; } = [];

    /// <summary>The steps of <see cref="Calls"/>.</summary>
    public IEnumerable<(int Step, bool Gradient)> Steps => Calls.Select(call => (Schedule.Sigmas.IndexOf(call.Sigma), call.Gradient));

    public Tensor Evaluate(Tensor latents, IReadOnlyList<double> sigmas)
    {
        Calls.Add((sigmas[0], is_grad_enabled()));
        // Levels of samples go with the first dimension, whatever the others are.
        return (A * latents) + (B * (sigmas.Count == 1 ? tensor(sigmas[0], dtype: float64) : tensor(sigmas.ToArray(), dtype: float64).reshape([-1, .. Enumerable.Repeat(1L, (int)latents.dim() - 1)])));
    }

    /// <summary>The network's samples as a micro-batch.</summary>
    public MicroBatch Batch(ISampler sampler) => new(Services)
    {
        Prompts = [.. Noise.Select((_, index) => new Prompt(Groups?[index] ?? index, $"prompt {Groups?[index] ?? index}"))],
        Noise = tensor(Noise, dtype: float64),
        Schedule = Schedule,
        Sampler = sampler,
        Samples = [.. Enumerable.Range(0, Noise.Length)],
        Random = RandomKey.OfRun(Seed).For("micro-batch", 0),
        StepKey = RandomKey.OfRun(Seed),
    };

    /// <summary>A step of one micro-batch.</summary>
    public AlignmentStep Step(ISampler sampler, int index = 0) => new(Services) { Index = index, Batches = [Batch(sampler)], Random = RandomKey.OfRun(Seed) };

    private ScriptedStep Services => new(Evaluate, latents => Scores.Of(Reward(latents)));

    /// <summary>Runs a step as the host does: backward on each objective, times its share, before the next.</summary>
    /// <returns>The objectives and the gradients.</returns>
    public (IReadOnlyList<Objective> Objectives, double A, double B) Descend(IAlgorithm algorithm, ISampler sampler)
    {
        A.grad = null;
        B.grad = null;
        List<Objective> objectives = [];
        foreach (var objective in algorithm.Step(Step(sampler)))
        {
            (objective.Loss * objective.Share).backward();
            objectives.Add(objective);
        }
        return (objectives, A.grad?.item<double>() ?? 0, B.grad?.item<double>() ?? 0);
    }
}
