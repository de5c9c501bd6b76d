using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>
/// A small nonlinear network in double, <c>v(x, σ) = W₂ tanh(W₁ x + σ b + c)</c>, with a reward that is curved, too: every nested Jacobian matters. Steps run as the
/// host runs them, each objective in a scope of its own.
/// </summary>
internal sealed class CurvedNetwork
{
    private const int Samples = 2, Width = 3, Hidden = 4;
    private readonly ScriptedStep _services;
    private int _objective;

    public CurvedNetwork()
    {
        Weights = [Normal("w1", Hidden, Width), Normal("b", Hidden), Normal("c", Hidden), Normal("w2", Width, Hidden)];
        _services = new ScriptedStep(Counted, static latents => Scores.Of(Reward(latents)));
    }

    /// <summary>W₁, b, c, W₂.</summary>
    public Tensor[] Weights { get; }

    public Schedule Schedule { get; init; } = Sigmas.Explicit(6, 2);

    public ISampler Sampler { get; init; } = new FlowEulerSampler(new FlowEulerSettings());

    public int Batches { get; init; } = 1;

    /// <summary>The first of the batches, which differ in their noise.</summary>
    public int First { get; init; }

    /// <summary>Scales the network's Jacobian with respect to its input, leaving every value as it is.</summary>
    public double Jacobian { get; init; } = 1;

    /// <summary>Every evaluation: its step, whether it was recorded for a backward, and for which objective of the step it was made.</summary>
    public List<(int Step, bool Gradient, int Objective)> Calls { get; } = [];

    /// <summary>The most tensors that were alive during an evaluation.</summary>
    public long PeakTensors { get; private set; }

    /// <summary>The sum of the objectives' losses, with their shares.</summary>
    public double Loss { get; private set; }

    /// <summary>The rewards that the objectives measured.</summary>
    public List<double> Rewards { get; } = [];

    public static Tensor Noise(int batch) => RandomKey.OfRun(5).For("noise", batch).Normal([Samples, Width], CPU).to(float64);

    /// <summary><c>mean(λ − R(x))</c>, written down here again.</summary>
    public static Tensor LossOf(Tensor samples, double hinge) => (hinge - Reward(samples)).mean();

    public Tensor Evaluate(Tensor latents, double sigma)
    {
        var input = RectifiedFlow.ScaleGradient(latents, Jacobian);
        return (input.matmul(Weights[0].t()) + (Weights[1] * sigma) + Weights[2]).tanh().matmul(Weights[3].t());
    }

    /// <summary>Euler steps, written down here again.</summary>
    public Tensor Euler(Tensor latents, int from, int to)
    {
        for (var step = from; step < to; step++) latents += Schedule.Delta(step, step + 1) * Evaluate(latents, Schedule.Sigma(step));
        return latents;
    }

    /// <summary>Runs a step and returns the gradient of all weights, flat.</summary>
    public double[] Descend(IAlgorithm algorithm)
    {
        foreach (var weight in Weights) weight.grad = null;
        (_objective, Loss) = (0, 0);
        var batches = Enumerable.Range(First, Batches).Select(Batch).ToList();
        var alive = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        using var step = new AlignmentStep(_services) { Index = 0, Batches = batches, Random = RandomKey.OfRun(0) };
        using var objectives = algorithm.Step(step).GetEnumerator();
        while (true)
        {
            using var scope = NewDisposeScope();
            if (!objectives.MoveNext()) break;
            var share = objectives.Current.Loss * objectives.Current.Share;
            share.backward();
            Loss += share.item<double>();
            Rewards.AddRange(objectives.Current.Measurements.Where(static measured => measured.Name == "reward").SelectMany(static measured => measured.Value.data<double>()));
            _objective++;
        }
        PeakTensors -= alive;
        return [.. Weights.SelectMany(static weight => weight.grad is { } grad ? grad.data<double>().ToArray() : new double[weight.numel()])];
    }

    /// <summary>The derivative of a function of the weights, by central differences of fourth order.</summary>
    public double[] Differentiate(Func<Tensor> function)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return [.. Weights.SelectMany(weight => Enumerable.Range(0, (int)weight.numel()).Select(index => Derivative(function, weight.view(-1)[index])))];
    }

    private static double Derivative(Func<Tensor> function, Tensor entry)
    {
        const double h = 1e-3;
        return ((8 * (At(h) - At(-h))) - (At(2 * h) - At(-2 * h))) / (12 * h);

        double At(double moved)
        {
            entry.add_(moved);
            var value = function().item<double>();
            entry.sub_(moved);
            return value;
        }
    }

    private MicroBatch Batch(int index) => new(_services)
    {
        Index = index,
        Prompts = [.. Enumerable.Range(0, Samples).Select(static id => new Prompt(id, $"prompt {id}"))],
        Noise = Noise(index),
        Schedule = Schedule,
        Sampler = Sampler,
        Samples = [.. Enumerable.Range(index * Samples, Samples)],
        Random = RandomKey.OfRun(5).For("micro-batch", index),
        StepKey = RandomKey.OfRun(5),
    };

    private Tensor Counted(Tensor latents, IReadOnlyList<double> sigmas)
    {
        Calls.Add((Schedule.Sigmas.IndexOf(sigmas[0]), is_grad_enabled(), _objective));
        PeakTensors = Math.Max(PeakTensors, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        using var scope = NewDisposeScope();
        return Evaluate(latents, sigmas[0]).MoveToOuterDisposeScope();
    }

    private static Tensor Reward(Tensor samples) => ((samples * 0.7).sin() - (samples * samples * 0.2)).sum([1]);

    private static Tensor Normal(string name, params long[] shape) =>
        (RandomKey.OfRun(5).For(name).Normal(shape, CPU).to(float64) * 0.8).requires_grad_();
}
