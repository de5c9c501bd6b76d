using System.Diagnostics;
using System.Security.Cryptography;
using LeapAlign.Contracts.Algorithms;
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
    private readonly HashSet<string> _partial = [.. parts.Rewards.Where(static reward => reward.MayMiss).Select(static reward => reward.Name)];
    private readonly bool _scoresLatents = parts.Rewards.Any(static reward => reward.Latent is not null);
    private readonly PictureSampling _sampling = new(parts.Model, parts.Sampler, drawn.Form.Guidance, stages)
    {
        Schedule = drawn.Schedule(parts.Model, parts.Sampler),
        Noise = KeyOf(plan.Evaluation.Seed),
        Pictures = drawn.Pictures,
        Device = device,
        Stochastic = plan.Evaluation.Stochastic,
        Writer = parts.Algorithm as IConditioningSource,
        Adapter = parts.TrainedModel.Adapter,
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
        var (started, before) = (Stopwatch.GetTimestamp(), stages.Ledger.Count);
        using var gradients = no_grad();
        using var used = parts.Trained.Use(policy);
        var pictures = PictureRequest.All(parts.EvaluationPrompts, plan.Evaluation.ImagesPerPrompt).ToList();
        // Whole groups, for rewards that compare the pictures of a caption.
        var groups = Math.Max(1, Form.Batch / plan.Evaluation.ImagesPerPrompt);
        var batches = pictures.Chunk(groups * plan.Evaluation.ImagesPerPrompt).ToList();
        var shown = Enumerable.Range(0, pictures.Count).Where(place => pictures[place].Image == 0).Take(plan.Evaluation.Samples).ToHashSet();
        List<EvaluatedBatch> own = [];
        // The processes of a run take turns; what a batch is does not depend on them.
        for (var index = parts.Ranks.Rank; index < batches.Count; index += parts.Ranks.World)
        {
            cancellation.ThrowIfCancellationRequested();
            own.Add(Evaluated(index, batches[index], shown, index * batches[0].Length, (step, policy)));
        }
        var all = EvaluatedBatch.Gathered(parts.Ranks, own);
        var (evaluations, _) = parts.Ranks.CountElsewhere(stages.Ledger, before);
        return Report(step, pictures, all, batches.Count == 0 ? 0 : evaluations / batches.Count, started);
    }

    private EvaluatedBatch Evaluated(int index, PictureRequest[] batch, HashSet<int> shown, int first, (int Step, Policy Policy) of)
    {
        using var scope = NewDisposeScope();
        var (latents, images) = _sampling.Draw(batch);
        ArePictures(images, batch, of.Step, of.Policy);
        byte[] digest;
        using (var bytes = images.cpu().contiguous()) digest = SHA256.HashData(bytes.bytes);
        var scores = Score(latents, images, [.. batch.Select(static picture => picture.Prompt)]);
        IReadOnlyDictionary<string, double[]> measures;
        using (stages.Enter("measure")) measures = PictureMeasures.Of(images, plan.Evaluation.ImagesPerPrompt);
        return new EvaluatedBatch(index, scores, measures, digest)
        {
            Samples = [.. Enumerable.Range(0, batch.Length).Where(i => shown.Contains(first + i))
                .Select(i => SamplePicture.Of(images[i], batch[i].Prompt.Text, scores.ToDictionary(static pair => pair.Key, pair => pair.Value[i])))],
        };
    }

    private EvaluationReport Report(int step, List<PictureRequest> pictures, IReadOnlyList<EvaluatedBatch> batches, double evaluations, long started)
    {
        Dictionary<string, TaskMeans> means = parts.Rewards.ToDictionary(static reward => reward.Name, static _ => new TaskMeans());
        var (scored, measured) = (new Columns(), new Columns());
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var at = 0;
        foreach (var batch in batches)
        {
            digest.AppendData(batch.PicturesSha256);
            scored.Add(batch.Scores);
            measured.Add(batch.Measures);
            foreach (var (name, values) in batch.Scores)
            {
                for (var i = 0; i < values.Length; i++)
                {
                    if (!(double.IsNaN(values[i]) && _partial.Contains(name))) means[name].Add(pictures[at + i].Prompt.Task, values[i]);
                }
            }
            at += batch.Scores.Values.FirstOrDefault()?.Length ?? 0;
        }
        stages.Times.Take();
        return new EvaluationReport
        {
            Step = step,
            Drawn = new DrawnAs(Form.Preview, drawn.Pictures.Size, _sampling.Schedule.Steps, Form.Guidance.Scale),
            Evaluations = evaluations,
            Rewards = parts.Rewards.ToDictionary(static reward => reward.Name, reward => reward.ByTask ? means[reward.Name].OverTasks : means[reward.Name].OverPictures),
            Tasks = means.Where(static pair => pair.Value.Tasks.Count > 0).ToDictionary(static pair => pair.Key, static pair => pair.Value.Tasks),
            Scores = scored.Values,
            Measures = measured.Values,
            Warnings = NotFinite(When(step), scored.Values, pictures) is { } bad ? [bad] : [],
            Images = pictures.Count,
            PicturesSha256 = Convert.ToHexStringLower(digest.GetHashAndReset()),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Samples = [.. batches.SelectMany(static batch => batch.Samples)],
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

    private Fault? NotFinite(string when, IReadOnlyDictionary<string, IReadOnlyList<double>> scores, IReadOnlyList<PictureRequest> pictures)
    {
        List<string> bad = [], missing = [];
        foreach (var (name, values) in scores)
        {
            var places = Enumerable.Range(0, values.Count).Where(i => !double.IsFinite(values[i])).ToList();
            if (places.Count == 0) continue;
            if (_partial.Contains(name)) missing.Add(FormattableString.Invariant($"the reward '{name}' has no score for {places.Count} of {values.Count} pictures, and its mean is over the others"));
            else bad.Add(FormattableString.Invariant($"'{name}' gave {values[places[0]]} to '{pictures[places[0]].Prompt.Text}' ({places.Count} of {values.Count} pictures)"));
        }
        if (bad.Count > 0) missing.Insert(0, $"the reward {string.Join(" and ", bad)}; this evaluation says nothing of it, and the run goes on");
        return missing.Count == 0 ? null : new Fault.Run(FaultCodes.ScoreNotFinite, $"{when} {string.Join("; ", missing)}");
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
