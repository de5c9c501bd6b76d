using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>A network in double whose velocity is <c>a x + σ + worth(caption)</c>, a worth for each letter of a caption and of the names of what is worn, with copies of its weight; the picture of prompt n is n/10 everywhere. A rollout adds the velocity once.</summary>
internal sealed class CaptionNetwork : IStepServices
{
    private string _used = Trained;

    public const string Trained = "trained";

    public Tensor A { get; } = tensor(0.7, dtype: float64).requires_grad_();

    /// <summary>What a letter of a caption adds to a velocity.</summary>
    public Dictionary<char, double> Worth { get; } = new() { ['p'] = 0.1, ['A'] = -0.4, ['B'] = 0.9, ['C'] = 0.2, ['D'] = -0.15 };

    public double Copied { get; set; } = 0.2;

    public int Samples { get; init; } = 3;

    public int Batches { get; init; } = 1;

    public int Index { get; init; }

    /// <summary>Takes the place of the mean of latents.</summary>
    public Func<double[], double[]>? Judge { get; init; }

    public List<Call> Calls { get; } = [];

    /// <summary>The captions that rewards were asked about.</summary>
    public List<string> Scored { get; } = [];

    public AlignmentStep Step(int? index = null) => new(this)
    {
        Index = index ?? Index,
        Batches = [.. Enumerable.Range(0, Batches).Select(batch => Batch(batch, index ?? Index))],
        Random = RandomKey.OfRun(5),
    };

    /// <summary>Runs a step as the host does.</summary>
    public List<Objective> Descend(DroEmAlgorithm algorithm, int? index = null)
    {
        A.grad = null;
        algorithm.Parameters.ClearGradients();
        Calls.Clear();
        List<Objective> objectives = [];
        using var step = Step(index);
        foreach (var objective in algorithm.Step(step))
        {
            (objective.Loss * objective.Share).backward();
            objectives.Add(objective);
        }
        return objectives;
    }

    /// <summary>The mean error of a sample under a caption at levels and noise that were seen.</summary>
    public double Error(string caption, double[] latents, double sigma, double clean, double a) => latents.Average(value =>
    {
        // ε from x_σ = (1−σ) x_0 + σ ε.
        var noise = (value - ((1 - sigma) * clean)) / sigma;
        return Math.Pow((a * value) + sigma + Of(caption) - (noise - clean), 2);
    });

    public double Of(string caption) => caption.Sum(letter => Worth.GetValueOrDefault(letter));

    public static double Picture(long id) => id / 10.0;

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        // An adapter is worth what its name is, so that one called as a fragment does what the fragment does.
        string[] captions = [.. batch.Prompts.Select((prompt, row) => batch.Worn.Count == 0 ? prompt.Text : prompt.Text + string.Concat(batch.Worn[row]))];
        Assert.Equal(captions.Length, latents.shape[0]);
        double[] levels = [.. Enumerable.Range(0, captions.Length).Select(row => sigmas[sigmas.Count == 1 ? 0 : row])];
        Calls.Add(new Call(_used, is_grad_enabled(), guided, captions, [.. batch.Samples], levels, [.. latents.detach().unbind(0).Select(static row => row.contiguous().data<double>().ToArray())]));
        var a = _used == Trained ? A : tensor(Copied, dtype: float64);
        return (latents * a) + tensor(captions.Zip(levels, (caption, level) => Of(caption) + level).ToArray()).unsqueeze(1);
    }

    public Tensor Captions(MicroBatch batch) => stack([.. batch.Prompts.Select(static prompt => RandomKey.OfRun(prompt.Id).For("embedding").Normal([6], CPU))]);

    public Scores Score(MicroBatch batch, Tensor latents)
    {
        Scored.AddRange(batch.Prompts.Select(static prompt => prompt.Text));
        double[] means = [.. latents.mean([1L]).data<double>()];
        return Scores.Of(tensor(Judge?.Invoke(means) ?? means));
    }

    public Tensor Pictures(MicroBatch batch, int number) => tensor(batch.Prompts.SelectMany(static prompt => Enumerable.Repeat(Picture(prompt.Id), 4)).ToArray()).reshape(batch.Prompts.Count, 4);

    public IDisposable Use(string policy)
    {
        Assert.Equal("iteration", policy);
        _used = policy;
        return new Restoring(() => _used = Trained);
    }

    public Tensor? Sampled(MicroBatch batch) => null;

    private MicroBatch Batch(int index, int step)
    {
        long[] samples = [.. Enumerable.Range(index * Samples, Samples)];
        var key = RandomKey.OfRun(5).For("step", step);
        return new MicroBatch(this)
        {
            Index = index,
            Samples = samples,
            Prompts = [.. samples.Select(static sample => new Prompt((int)sample + 1, "p") { Pictures = ["a picture"] })],
            Noise = RandomKey.NormalOfEach(samples.Select(sample => key.For("sample", sample).For("noise")), [4], CPU).to(float64),
            Schedule = new Schedule([1, 0.6, 0.3, 0]),
            Sampler = new OneStep(),
            Random = key.For("micro-batch", index),
            StepKey = key,
        };
    }

    public sealed record Call(string Policy, bool Gradient, bool Guided, string[] Captions, long[] Samples, double[] Sigmas, double[][] Latents);

    private sealed class Restoring(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }

    private sealed class OneStep : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public Tensor Roll(Tensor latents, SamplingPath path) => latents + path.Velocity(latents, 0);
    }
}
