using System.Diagnostics;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Composition;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>Samples every evaluation caption from the same noise each time, with given weights, and scores the pictures with every reward.</summary>
internal sealed class Evaluation(RunPlan plan, RunParts parts, StageClock clock, (long[] LatentShape, Device Device) place)
{
    private readonly Scoring _scoring = new(parts.Model, parts.Rewards, clock);
    private readonly PictureSampling _sampling = new(parts.Model, parts.Sampler, plan.Guidance, clock)
    {
        Schedule = parts.Sampler.CreateSchedule(parts.Model.Scheduling, plan.Evaluation.Steps),
        Noise = RandomKey.OfRun(plan.Evaluation.Seed).For("evaluation"),
        LatentShape = place.LatentShape,
        Device = place.Device,
    };

    /// <summary>Evaluates.</summary>
    /// <param name="step">Optimizer steps done.</param>
    /// <param name="weights">One tensor for each trained weight.</param>
    /// <param name="cancellation">Ends the evaluation between batches with an exception.</param>
    public EvaluationReport Run(int step, IReadOnlyList<Tensor> weights, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        using var gradients = no_grad();
        using var substituted = parts.Model.Use(weights);
        Dictionary<string, double> sums = [];
        List<SamplePicture> samples = [];
        // The first picture of every caption comes before any second one, so that the samples shown are of different captions.
        var pictures = PictureRequest.All(parts.EvaluationPrompts, plan.Evaluation.ImagesPerPrompt).OrderBy(static picture => picture.Image).ToList();
        foreach (var batch in pictures.Chunk(plan.Evaluation.Batch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var images = _sampling.Sample(batch);
            var scores = Score(images, batch);
            foreach (var (name, values) in scores) sums[name] = sums.GetValueOrDefault(name) + values.Sum();
            for (var i = 0; i < batch.Length && samples.Count < plan.Evaluation.Samples; i++)
                samples.Add(SamplePicture.Of(images[i], batch[i].Prompt.Text, scores.ToDictionary(static pair => pair.Key, pair => pair.Value[i])));
        }
        clock.Take();
        return new EvaluationReport
        {
            Step = step,
            Rewards = sums.ToDictionary(static pair => pair.Key, pair => pair.Value / pictures.Count),
            Images = pictures.Count,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Samples = samples,
        };
    }

    private Dictionary<string, double[]> Score(Tensor images, PictureRequest[] batch) =>
        _scoring.All(images, [.. batch.Select(static picture => picture.Prompt)])
            .ToDictionary(static pair => pair.Name, static pair => pair.Scores.to(ScalarType.Float64).cpu().data<double>().ToArray());
}
