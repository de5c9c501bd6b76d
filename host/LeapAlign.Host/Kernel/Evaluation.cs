using System.Diagnostics;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Composition;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>Samples every evaluation caption from the same noise each time, with given weights, and scores the pictures with every reward.</summary>
internal sealed class Evaluation(RunPlan plan, RunParts parts, StageClock clock, Device device)
{
    private readonly Schedule _schedule = parts.Sampler.CreateSchedule(parts.Model.Scheduling, plan.Evaluation.Steps);
    private readonly Scoring _scoring = new(parts.Model, parts.Rewards, clock);
    private readonly RandomKey _key = RandomKey.OfRun(plan.Evaluation.Seed).For("evaluation");

    /// <summary>Evaluates.</summary>
    /// <param name="step">Optimizer steps done.</param>
    /// <param name="weights">One tensor for each trained weight.</param>
    /// <param name="latentShape">[C, h, w].</param>
    /// <param name="cancellation">Ends the evaluation between batches with an exception.</param>
    public EvaluationReport Run(int step, IReadOnlyList<Tensor> weights, long[] latentShape, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        using var _ = no_grad();
        using var substituted = parts.Model.Use(weights);
        Dictionary<string, double> sums = [];
        List<SamplePicture> samples = [];
        var pictures = parts.EvaluationPrompts
            .SelectMany(prompt => Enumerable.Range(0, plan.Evaluation.ImagesPerPrompt).Select(image => (prompt, image)))
            .OrderBy(static pair => pair.image)
            .ToList();
        foreach (var batch in pictures.Chunk(plan.Evaluation.Batch))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var images = Sample([.. batch.Select(static pair => pair.prompt)], [.. batch.Select(static pair => pair.image)], latentShape);
            var scores = Score(images, [.. batch.Select(static pair => pair.prompt)]);
            foreach (var (name, values) in scores) sums[name] = sums.GetValueOrDefault(name) + values.Sum();
            for (var i = 0; i < batch.Length && samples.Count < plan.Evaluation.Samples; i++)
                samples.Add(Pictures.Take(images[i], batch[i].prompt.Text, scores.ToDictionary(static pair => pair.Key, pair => pair.Value[i])));
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

    private Tensor Sample(string[] captions, int[] images, long[] latentShape, Prompt[] prompts)
    {
        using var scope = NewDisposeScope();
        using var conditioning = clock.Measure("encode", () => parts.Model.Encode(captions, plan.Guidance));
        var noise = stack(prompts.Zip(images, (prompt, image) => _key.For("prompt", prompt.Id).For("image", image).Normal(latentShape, device)));
        var latents = parts.Sampler.Roll(noise, _schedule, (state, index) =>
        {
            clock.Count(conditioning.EvaluationsPerVelocity);
            return clock.Measure("velocity", () => parts.Model.Velocity(state, _schedule.Sigma(index), conditioning));
        });
        return clock.Measure("decode", () => parts.Model.Decode(latents)).MoveToOuterDisposeScope();
    }

    private Tensor Sample(Prompt[] prompts, int[] images, long[] latentShape) =>
        Sample([.. prompts.Select(static prompt => prompt.Text)], images, latentShape, prompts);

    private Dictionary<string, double[]> Score(Tensor images, Prompt[] prompts) =>
        _scoring.All(images, prompts).ToDictionary(static pair => pair.Name, static pair => pair.Scores.to(ScalarType.Float64).cpu().data<double>().ToArray());
}
