using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

/// <summary>
/// A small network in double, <c>v(x, σ, prompt) = tanh(a x) + b σ + prompt / 100</c>, guidance adding <see cref="Guided"/>, with lagged copies of its two
/// weights. Its rollouts evaluate every step and end where they began, so that x_0 is given and depends on no weight.
/// </summary>
internal sealed class PolicyNetwork : IStepServices
{
    /// <summary>What guidance adds to a velocity.</summary>
    public const double Guided = 0.3;

    private string _used = Trained;

    /// <summary>The name of the trained policy among <see cref="Calls"/>.</summary>
    public const string Trained = "trained";

    public Tensor A { get; } = tensor(0.7, dtype: float64).requires_grad_();

    public Tensor B { get; } = tensor(-0.4, dtype: float64).requires_grad_();

    /// <summary>The weights of each copy.</summary>
    public Dictionary<string, (double A, double B)> Copies { get; init; } = new()
    {
        ["old"] = (0.5, -0.1),
        ["sampling"] = (0.6, 0.2),
        ["ema"] = (0.9, -0.3),
        ["refreshed"] = (0.2, 0.15),
        [PolicyCopy.Reference] = (0.3, 0.25),
    };

    public Schedule Schedule { get; init; } = new([1, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0]);

    /// <summary>x_0 of each micro-batch: its samples, each of the same number of dimensions.</summary>
    public required double[][][] Clean { get; init; }

    /// <summary>The prompts of each micro-batch.</summary>
    public required int[][] Groups { get; init; }

    /// <summary>The second picture of each prompt; the first is its <see cref="Clean"/>.</summary>
    public double[][][]? Rejected { get; init; }

    /// <summary>Pictures of each prompt beside its <see cref="Clean"/>, in the order of their numbers.</summary>
    public double[][][][]? Further { get; init; }

    /// <summary>The scores of a prompt's pictures, which are as many.</summary>
    public Func<int, double[]>? Scored { get; init; }

    /// <summary>Takes the place of <see cref="Reward"/>.</summary>
    public Func<double[], double>? Judge { get; init; }

    /// <summary>Whether prompts say that pictures come with them.</summary>
    public bool Pictured { get; init; }

    public int Index { get; init; }

    public long Seed { get; init; } = 5;

    public List<Call> Calls { get; } = [];

    public IEnumerable<Call> Trainings => Calls.Where(static call => call.Gradient);

    /// <summary>How often a reward was evaluated.</summary>
    public int Scorings { get; private set; }

    public static double Reward(double[] sample) => sample.Sum() + (0.3 * sample[0] * sample[0]);

    public AlignmentStep Step() => new(this)
    {
        Index = Index,
        Batches = [.. Clean.Select((samples, index) => Batch(index, [.. Enumerable.Range(Clean.Take(index).Sum(static before => before.Length), samples.Length)], Groups[index], Matrix(samples)))],
        Random = RandomKey.OfRun(Seed).For("step"),
    };

    /// <summary>Runs a step as the host does. The loss and the gradients are those of all updates together.</summary>
    /// <param name="algorithm">The method.</param>
    /// <param name="updated">Is told of each update but the last.</param>
    public Descent Descend(IAlgorithm algorithm, Action? updated = null)
    {
        (A.grad, B.grad) = (null, null);
        Calls.Clear();
        Scorings = 0;
        List<Objective> objectives = [];
        List<double> rewards = [];
        var loss = 0.0;
        using var step = Step();
        foreach (var objective in algorithm.Step(step))
        {
            (objective.Loss * objective.Share).backward();
            loss += objective.Loss.item<double>() * objective.Share;
            objectives.Add(objective);
            foreach (var measured in objective.Measurements.Where(static measured => measured.Name == "reward")) rewards.AddRange(measured.Value.data<double>());
            if (objective.EndsUpdate) updated?.Invoke();
        }
        return new(objectives, rewards, loss, A.grad?.item<double>() ?? 0, B.grad?.item<double>() ?? 0);
    }

    /// <summary>Changes the weights, as an optimizer does.</summary>
    public void Move(double a, double b)
    {
        using var _ = no_grad();
        A.add_(a);
        B.add_(b);
    }

    public static Tensor Matrix(double[][] rows) => tensor(rows.SelectMany(static row => row).ToArray(), dtype: float64).reshape(rows.Length, rows[0].Length);

    private Prompt Prompt(int group) => new(group, $"prompt {group}")
    {
        Pictures = Scored is { } scores ? [.. scores(group).Select(static (_, number) => $"picture {number}")] : Pictured ? ["a picture"] : [],
        Scores = Scored?.Invoke(group) ?? [],
    };

    private MicroBatch Batch(int index, long[] samples, int[] groups, Tensor noise) => new(this)
    {
        Index = index,
        Samples = samples,
        Prompts = [.. groups.Select(Prompt)],
        Noise = noise,
        Schedule = Schedule,
        Sampler = new Standstill(),
        Random = RandomKey.OfRun(Seed).For("micro-batch", index),
        StepKey = RandomKey.OfRun(Seed),
    };

    public Scores Score(MicroBatch batch, Tensor latents)
    {
        Scorings++;
        if (Judge is { } judge) return Scores.Of(tensor([.. latents.unbind(0).Select(sample => judge([.. sample.data<double>()]))], dtype: float64));
        return Scores.Of(latents.sum([1]) + (0.3 * latents.select(1, 0).square()));
    }

    public Tensor Pictures(MicroBatch batch, int number)
    {
        double[][] all = [.. (number == 0 ? Clean : Further?[number - 1] ?? Rejected!).SelectMany(static samples => samples)];
        return Matrix([.. batch.Samples.Select(sample => all[sample])]);
    }

    public Tensor? Sampled(MicroBatch batch) => null;

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        int[] groups = [.. batch.Prompts.Select(static prompt => (int)prompt.Id)];
        Assert.Equal(groups.Length, latents.shape[0]);
        Assert.True(sigmas.Count == 1 || sigmas.Count == groups.Length);
        double[][] rows = [.. Enumerable.Range(0, groups.Length).Select(row => latents[row].detach().contiguous().data<double>().ToArray())];
        Calls.Add(new(_used, is_grad_enabled(), guided, [.. groups.Select((_, row) => sigmas[sigmas.Count == 1 ? 0 : row])], rows, groups));
        var levels = tensor(Calls[^1].Sigmas, dtype: float64).unsqueeze(1);
        var prompts = tensor(groups.Select(group => (group / 100.0) + (guided ? Guided : 0)).ToArray(), dtype: float64).unsqueeze(1);
        if (_used == Trained) return (latents * A).tanh() + (levels * B) + prompts;
        var (a, b) = Copies[_used];
        return (latents * a).tanh() + (levels * b) + prompts;
    }

    public IDisposable Use(string policy)
    {
        Assert.True(Copies.ContainsKey(policy), policy);
        var previous = _used;
        _used = policy;
        return new Restoring(() => _used = previous);
    }

    /// <summary>An evaluation, row by row.</summary>
    public sealed record Call(string Policy, bool Gradient, bool Guided, double[] Sigmas, double[][] Latents, int[] Groups)
    {
        public int Samples => Latents.Length;
    }

    public sealed record Descent(IReadOnlyList<Objective> Objectives, IReadOnlyList<double> Rewards, double Loss, double A, double B);

    private sealed class Restoring(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }

    private sealed class Standstill : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public Tensor Roll(Tensor latents, SamplingPath path)
        {
            for (var step = path.From; step < path.To; step++) path.Velocity(latents, step).Dispose();
            return latents.alias();
        }
    }
}
