using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Drafts.Tests;

/// <summary>A drafter <c>a x + b σ</c> in double on [C, h, w], and the teacher's velocity, as a host serves them.</summary>
internal sealed class TaughtRun : IStepServices
{
    public Tensor A { get; } = tensor(0.6, dtype: float64).requires_grad_();

    public Tensor B { get; } = tensor(-0.4, dtype: float64).requires_grad_();

    public Func<Tensor, Tensor, Tensor> Teacher { get; init; } = static (x, sigma) => (0.5 * x) - (0.2 * sigma);

    public required ISampler Sampler { get; init; }

    public Schedule Schedule { get; init; } = Sigmas.Explicit(6, 3);

    public int Samples { get; init; } = 4;

    public int Batches { get; init; } = 1;

    public long[] Shape { get; init; } = [2, 4, 4];

    /// <summary>Evaluations: who, with a gradient, of how many samples, at which states.</summary>
    public List<(string Who, bool Gradient, string[] Captions, double[] Sigmas, Tensor Latents)> Calls { get; } = [];

    public AlignmentStep Step() => new(this)
    {
        Index = 0,
        Batches = [.. Enumerable.Range(0, Samples).Chunk(Samples / Batches).Select(Batch)],
        Random = RandomKey.OfRun(5),
    };

    public MicroBatch Batch(int[] samples, int index) => new(this)
    {
        Index = index,
        Prompts = [.. samples.Select(static sample => new Prompt(sample, $"prompt {sample}"))],
        Samples = [.. samples],
        Noise = RandomKey.NormalOfEach(samples.Select(static sample => RandomKey.OfRun(5).For("sample", sample).For("noise")), Shape, CPU).to(float64),
        Schedule = Schedule,
        Sampler = Sampler,
        Random = RandomKey.OfRun(5).For("micro-batch", index),
        StepKey = RandomKey.OfRun(5),
    };

    /// <summary>Takes all objectives, with backward.</summary>
    public (List<Objective> Objectives, double A, double B) Descend(DraftTvdSettings settings)
    {
        (A.grad, B.grad) = (null, null);
        using var step = Step();
        List<Objective> objectives = [];
        foreach (var objective in new DraftTvdAlgorithm(settings).Step(step))
        {
            (objective.Loss * objective.Share).backward();
            // Measurements outlive the step.
            objectives.Add(new Objective(objective.Loss, [.. objective.Measurements.Select(static measured => new Contracts.Algorithms.Measurement(measured.Name, measured.Value.clone()))]).Times(objective.Share).From(step.Batches[objective.Batch!.Value]));
        }
        return (objectives, A.grad!.item<double>(), B.grad!.item<double>());
    }

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        Assert.True(guided);
        Note("drafter", batch, latents, sigmas);
        return (A * latents) + (B * Levels(sigmas));
    }

    public Tensor Taught(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas)
    {
        Note("teacher", batch, latents, sigmas);
        return Teacher(latents, Levels(sigmas));
    }

    public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

    public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException();

    public Tensor? Sampled(MicroBatch batch) => null;

    public IDisposable Use(string policy) => throw new NotSupportedException();

    public static Tensor Levels(IReadOnlyList<double> sigmas) => tensor([.. sigmas], dtype: float64).reshape(-1, 1, 1, 1);

    private void Note(string who, MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas)
    {
        Assert.Equal(batch.Samples.Count, latents.shape[0]);
        Calls.Add((who, is_grad_enabled(), [.. batch.Prompts.Select(static prompt => prompt.Text)], [.. sigmas], latents.detach().clone().DetachFromDisposeScope()));
    }
}
