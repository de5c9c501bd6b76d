using System.Diagnostics;
using System.Security.Cryptography;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>Samples every evaluation caption from the same noise each time, with given weights, and scores the pictures with every reward.</summary>
/// <param name="plan">The composition.</param>
/// <param name="parts">Its parts.</param>
/// <param name="drawn">How it draws.</param>
/// <param name="stages">Hear of what it does.</param>
/// <param name="device">Where tensors live.</param>
internal sealed class Evaluation(RunPlan plan, RunParts parts, DrawnPictures drawn, OpenStages stages, Device device)
{
    private readonly PictureScoring _scoring = new(parts.Rewards, stages);
    private readonly bool _scoresLatents = parts.Rewards.Any(static reward => reward.Latent is not null);
    private readonly PictureSampling _sampling = new(parts.Model, parts.Sampler, drawn.Form.Guidance, stages)
    {
        Schedule = drawn.Schedule(parts.Model, parts.Sampler),
        Noise = KeyOf(plan.Evaluation.Seed),
        Pictures = drawn.Pictures,
        Device = device,
        Stochastic = plan.Evaluation.Stochastic,
    };

    /// <summary>How it draws.</summary>
    public EvaluationForm Form => drawn.Form;

    /// <summary>The key of an evaluation's noise.</summary>
    /// <param name="seed"><c>evaluation.seed</c>.</param>
    public static RandomKey KeyOf(long seed) => RandomKey.OfRun(seed).For("evaluation");

    /// <summary>Evaluates.</summary>
    /// <param name="step">Optimizer steps done.</param>
    /// <param name="policy">What draws.</param>
    /// <param name="cancellation">Ends the evaluation between batches with an exception.</param>
    public EvaluationReport Run(int step, Policy policy, CancellationToken cancellation)
    {
        var (started, before) = (Stopwatch.GetTimestamp(), stages.Ledger.Evaluations);
        using var gradients = no_grad();
        using var used = parts.Trained.Use(policy);
        Dictionary<string, TaskMeans> means = parts.Rewards.ToDictionary(static reward => reward.Name, static _ => new TaskMeans());
        var (scored, measured) = (new Columns(), new Columns());
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        List<SamplePicture> samples = [];
        var pictures = PictureRequest.All(parts.EvaluationPrompts, plan.Evaluation.ImagesPerPrompt).ToList();
        // Whole groups, for rewards that compare the pictures of a caption.
        var groups = Math.Max(1, Form.Batch / plan.Evaluation.ImagesPerPrompt);
        var batches = 0;
        foreach (var batch in pictures.Chunk(groups * plan.Evaluation.ImagesPerPrompt))
        {
            batches++;
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var (latents, images) = _sampling.Draw(batch);
            ArePictures(images, batch, step, policy);
            using (var bytes = images.cpu().contiguous()) digest.AppendData(bytes.bytes);
            var scores = Score(latents, images, [.. batch.Select(static picture => picture.Prompt)]);
            scored.Add(scores);
            using (stages.Enter("measure")) measured.Add(PictureMeasures.Of(images, plan.Evaluation.ImagesPerPrompt));
            foreach (var (name, values) in scores)
            {
                for (var i = 0; i < batch.Length; i++) means[name].Add(batch[i].Prompt.Task, values[i]);
            }
            foreach (var i in Enumerable.Range(0, batch.Length).Where(i => batch[i].Image == 0).Take(plan.Evaluation.Samples - samples.Count))
                samples.Add(SamplePicture.Of(images[i], batch[i].Prompt.Text, scores.ToDictionary(static pair => pair.Key, pair => pair.Value[i])));
        }
        stages.Times.Take();
        return new EvaluationReport
        {
            Step = step,
            Drawn = new DrawnAs(Form.Preview, drawn.Pictures.Size, _sampling.Schedule.Steps, Form.Guidance.Scale),
            Evaluations = batches == 0 ? 0 : (stages.Ledger.Evaluations - before) / batches,
            Rewards = parts.Rewards.ToDictionary(static reward => reward.Name, reward => reward.ByTask ? means[reward.Name].OverTasks : means[reward.Name].OverPictures),
            Tasks = means.Where(static pair => pair.Value.Tasks.Count > 0).ToDictionary(static pair => pair.Key, static pair => pair.Value.Tasks),
            Scores = scored.Values,
            Measures = measured.Values,
            Warnings = NotFinite(When(step), scored.Values, pictures) is { } bad ? [bad] : [],
            Images = pictures.Count,
            PicturesSha256 = Convert.ToHexStringLower(digest.GetHashAndReset()),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Samples = samples,
        };
    }

    // Nothing that is computed of such pictures means anything, and what is trained on would not, either.
    private void ArePictures(Tensor images, PictureRequest[] batch, int step, Policy policy)
    {
        using var scope = NewDisposeScope();
        var finite = images.isfinite().flatten(1).all(1).cpu().data<bool>().ToArray();
        var bad = Array.IndexOf(finite, false);
        if (bad < 0) return;
        var weight = parts.Trained.Parameters.Zip(policy.Values).FirstOrDefault(static pair => !pair.Second.isfinite().all().item<bool>()).First;
        var why = weight is null ? "every weight is finite, so that it happened in the network or the decoder" : $"the weight '{weight.Name}' is not finite";
        throw new FaultException(new Fault.Run(
            FaultCodes.NotFinite, $"in the evaluation {When(step)} the picture of '{batch[bad].Prompt.Text}' is not finite; {why}, and the run ends"));
    }

    private string When(int step) => FormattableString.Invariant($"after step {step}{(Form.Preview is { } name ? $", preview '{name}'," : "")}");

    private static Fault? NotFinite(string when, IReadOnlyDictionary<string, IReadOnlyList<double>> scores, IReadOnlyList<PictureRequest> pictures)
    {
        List<string> bad = [];
        foreach (var (name, values) in scores)
        {
            var places = Enumerable.Range(0, values.Count).Where(i => !double.IsFinite(values[i])).ToList();
            if (places.Count > 0) bad.Add(FormattableString.Invariant($"'{name}' gave {values[places[0]]} to '{pictures[places[0]].Prompt.Text}' ({places.Count} of {values.Count} pictures)"));
        }
        return bad.Count == 0
            ? null
            : new Fault.Run(FaultCodes.ScoreNotFinite, $"{when} the reward {string.Join(" and ", bad)}; this evaluation says nothing of it, and the run goes on");
    }

    private Dictionary<string, double[]> Score(Tensor latents, Tensor images, IReadOnlyList<Prompt> prompts) =>
        _scoring.All(new ScoredSamples(prompts) { Images = images, Latents = _scoresLatents ? latents : null, Encode = () => ScoredSamples.Encoded(parts.Model, drawn.Pictures.Size, stages, prompts) })
            .ToDictionary(static pair => pair.Name, static pair => pair.Scores.to(ScalarType.Float64).cpu().data<double>().ToArray());

    /// <summary>Values of all batches, one after another, by name.</summary>
    private sealed class Columns
    {
        private readonly Dictionary<string, List<double>> _values = [];

        public IReadOnlyDictionary<string, IReadOnlyList<double>> Values => _values.ToDictionary(static column => column.Key, static column => (IReadOnlyList<double>)column.Value);

        public void Add(IReadOnlyDictionary<string, double[]> batch)
        {
            foreach (var (name, values) in batch)
            {
                if (!_values.TryGetValue(name, out var column)) _values[name] = column = [];
                column.AddRange(values);
            }
        }
    }
}
