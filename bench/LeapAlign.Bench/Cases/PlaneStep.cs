using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Trains a network of the plane by an algorithm of a plugin, as a run trains a model: points are the pictures of prompts, two of each.</summary>
/// <param name="trained">The network.</param>
/// <param name="reference">What it began as.</param>
internal sealed class PlaneStep(PlaneNetwork trained, PlaneNetwork reference) : IStepServices
{
    /// <summary>Prompts of a step.</summary>
    public const int Batch = 256;

    private string? _policy;
    private Tensor[] _points = [];

    /// <summary>Makes a step and its update.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="key">The key of the step.</param>
    /// <param name="points">The first and the second point of each prompt, [Batch, 2] each.</param>
    /// <param name="scores">Their scores.</param>
    /// <param name="rate">The learning rate of Adam.</param>
    public void Make(IAlgorithm algorithm, RandomKey key, Tensor[] points, double[][] scores, double rate)
    {
        using var scope = NewDisposeScope();
        _points = points;
        var schedule = new Schedule([1, 0.5, 0]);
        using var step = new AlignmentStep(this)
        {
            Index = 0,
            Random = key.For("algorithm"),
            Batches =
            [
                new MicroBatch(this)
                {
                    Prompts = [.. Enumerable.Range(0, Batch).Select(prompt => new Prompt(prompt, "a point") { Pictures = ["first", "second"], Scores = [.. scores.Select(side => side[prompt])] })],
                    Samples = [.. Enumerable.Range(0, Batch)],
                    Noise = zeros(Batch, 2),
                    Schedule = schedule,
                    Sampler = new NoSampler(),
                    Random = key.For("micro-batch").For("algorithm"),
                    StepKey = key,
                },
            ],
        };
        foreach (var objective in algorithm.Step(step)) (objective.Loss * objective.Share).backward();
        trained.Update(rate, clip: 1);
    }

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) =>
        (_policy is null ? trained : reference).Velocity(latents, sigmas.Count == 1 ? full([latents.shape[0]], sigmas[0], dtype: ScalarType.Float32) : tensor([.. sigmas.Select(static sigma => (float)sigma)]));

    public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException("points have their scores");

    public Tensor Pictures(MicroBatch batch, int number) => _points[number].index_select(0, tensor([.. batch.Samples]));

    public Tensor Pictures(MicroBatch batch, IReadOnlyList<int> numbers) =>
        stack(_points).index([tensor([.. numbers.Select(static number => (long)number)]), tensor([.. batch.Samples])]);

    public Tensor? Sampled(MicroBatch batch) => null;

    public IDisposable Use(string policy)
    {
        _policy = policy;
        return new Restoring(() => _policy = null);
    }

    private sealed class Restoring(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }

    private sealed class NoSampler : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public Tensor Roll(Tensor latents, SamplingPath path) => throw new NotSupportedException("points are not rolled out");
    }
}
