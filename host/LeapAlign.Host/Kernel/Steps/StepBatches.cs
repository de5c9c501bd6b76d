using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry.Spans;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Makes the micro-batches of a step, and does what they ask for. Which prompts and noise a sample has is a pure function of the seed, the step and its number in
/// the step.
/// </summary>
internal sealed class StepBatches(RunPlan plan, RunParts parts, PolicyCopies copies, OpenStages stages, Device device) : IDisposable
{
    private readonly RandomKey _key = RandomKey.OfRun(plan.Run.Seed);
    private readonly PromptOrder _order = new(parts.Prompts, plan.Run.Group, RandomKey.OfRun(plan.Run.Seed).For("prompts"));
    private readonly Schedule _schedule = parts.Sampler.CreateSchedule(parts.Model.Scheduling.For(parts.Pictures.Latents));
    private readonly ISampler _sampler = StagedSampler.Of(parts.Sampler, stages);
    private readonly LatentSpace _latents = parts.Pictures.Latents;
    private readonly LiveConditioning _conditioning = new(parts.Model, parts.Pictures.Size, stages);
    private readonly LiveConditioning? _taught = parts.Teacher is { } teacher ? new(teacher, parts.Pictures.Size, stages) : null;
    private readonly Scoring _scoring = new(parts.Model, parts.Pictures.Size, parts.Rewards, stages, plan.Run.RewardGradients == RunSettings.GradientsBalanced);
    private readonly PromptPictures _pictures = new(parts.Model, parts.Pictures, stages, device);

    // An embedded scale is an input that a model was trained with, not a second branch that could be left out.
    private readonly Guidance _unguided = plan.Guidance.IsActive && parts.Model.GuidanceForm == GuidanceForm.Branches ? Guidance.None : plan.Guidance;

    // Nobody asks for what was sampled where there is no objective beside the algorithm's.
    private readonly SampledLatents? _sampled = plan.Objectives.Count > 0 ? new SampledLatents([.. parts.Objectives.Select(static objective => objective.Objective)]) : null;

    private readonly WornAdapters _worn = new(parts.TrainedModel.Adapter);

    private RewardWeighing? _weighing;

    /// <summary>What came out finite in the step under way.</summary>
    public FiniteWatch Watch { get; } = new();

    /// <summary>The step of a number, whose noise lives in the scope of the caller.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="observe">Takes each trained reward's scores by micro-batch and name.</param>
    /// <param name="draw">0 for the step's own samples; others have prompts, noise and draws of their own.</param>
    /// <param name="byPrompt">Whether the samples of each prompt are a micro-batch of their own. What a micro-batch draws is then what the whole one would.</param>
    public AlignmentStep Of(int index, Action<int, string, Tensor> observe, int draw = 0, bool byPrompt = false)
    {
        var key = draw == 0 ? _key.For("step", index) : _key.For("step", index).For("draw", draw);
        var order = draw == 0 ? _order : new PromptOrder(parts.Prompts, plan.Run.Group, _key.For("prompts").For("draw", draw));
        var services = new Services(this, observe);
        var step = new AlignmentStep(services)
        {
            Index = index,
            Batches = [.. Pieces(index, order, byPrompt).Select((piece, place) => Batch(place, piece, key, services))],
            Shards = byPrompt ? 1 : parts.Share.Shards,
            Random = key.For("algorithm"),
        };
        _sampled?.Begin(step);
        return step;
    }

    /// <summary>Puts weights of rewards in the place of those of plugins.json until what is returned is disposed; null leaves those.</summary>
    /// <param name="weights">By name; a reward that is not named has weight 0 and no gradient.</param>
    public RewardWeighing? Weigh(IReadOnlyDictionary<string, double>? weights)
    {
        if (weights is null) return null;
        var before = _weighing;
        return _weighing = new RewardWeighing(weights, () => _weighing = before);
    }

    /// <summary>The key of what a reward draws between two steps.</summary>
    /// <param name="index">The step, from 0.</param>
    /// <param name="reward">The name of the reward.</param>
    public RandomKey KeyOf(int index, string reward) => _key.For("step", index).For("reward").For(reward);

    public void Dispose()
    {
        Watch.Dispose();
        _sampled?.Dispose();
        _conditioning.Dispose();
        _taught?.Dispose();
    }

    // The micro-batches of a process are neighbours, and so are the samples of a prompt.
    private IEnumerable<Piece> Pieces(int index, PromptOrder order, bool byPrompt)
    {
        var batch = plan.Run.Batch;
        for (var micro = parts.Share.First; micro < parts.Share.First + parts.Share.Batches; micro++)
        {
            var first = micro * batch;
            var prompts = order.Take(((long)index * plan.Run.Accumulation * batch) + first, batch);
            for (int from = 0, to; from < batch; from = to)
            {
                to = byPrompt ? from + 1 : batch;
                while (to < batch && prompts[to].Id == prompts[from].Id) to++;
                yield return new Piece(micro, first + from, [.. prompts.Skip(from).Take(to - from)]);
            }
        }
    }

    // What a sample and a micro-batch draw does not depend on the process.
    private MicroBatch Batch(int place, Piece piece, RandomKey key, Services services)
    {
        long[] samples = [.. Enumerable.Range(piece.First, piece.Prompts.Count)];
        return new MicroBatch(services)
        {
            Index = place,
            Samples = samples,
            Prompts = piece.Prompts,
            Noise = RandomKey.NormalOfEach(samples.Select(sample => key.For("sample", sample).For("noise")), [.. _latents.Shape], device),
            Schedule = _schedule,
            Sampler = _sampled?.Watching(_sampler, place, samples.Length) ?? _sampler,
            Random = key.For("micro-batch", piece.Micro).For("algorithm"),
            StepKey = key,
        };
    }

    private Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => Worn(batch, latents, sigmas, (own, rows, levels) => Plain(own, rows, levels, guided));

    private Tensor MeanVelocity(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided) => Worn(batch, latents, times, (own, rows, jumps) => PlainMean(own, rows, jumps, guided));

    // What belongs to all samples, or to each, belongs to those of a group likewise.
    private Tensor Worn<T>(MicroBatch batch, Tensor latents, IReadOnlyList<T> times, Func<MicroBatch, Tensor, IReadOnlyList<T>, Tensor> evaluate)
    {
        if (batch.Worn.Count == 0) return evaluate(batch, latents, times);
        var groups = WornAdapters.Groups(batch.Worn, batch.Prompts.Count);
        return groups.Count == 1
            ? _worn.Each(groups, latents, (_, rows) => evaluate(batch, rows, times))
            : _worn.Each(groups, latents, (group, rows) => evaluate(batch.Select(groups[group].Places), rows, times.Count == 1 ? times : [.. groups[group].Places.Select(place => times[place])]));
    }

    private Tensor Plain(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        var conditioning = _conditioning.For(batch, guided ? plan.Guidance : _unguided);
        var velocity = stages.Velocity(parts.Model, Call(batch, conditioning, sigmas.Count == 1 ? sigmas[0] : null), (latents, sigmas, conditioning));
        Watch.Take("velocity", sigmas, batch.Prompts, velocity);
        return velocity;
    }

    private Tensor PlainMean(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided)
    {
        var conditioning = _conditioning.For(batch, guided ? plan.Guidance : _unguided);
        var velocity = stages.MeanVelocity(parts.Model, Call(batch, conditioning, times.Count == 1 ? times[0].From : null), (latents, times, conditioning));
        Watch.Take("velocity", [.. times.Select(static time => time.From)], batch.Prompts, velocity);
        return velocity;
    }

    private Tensor Taught(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas)
    {
        using var _ = no_grad();
        var conditioning = (_taught ?? throw new NotSupportedException("the run has no teacher: the part that asks for one does not require the capability 'teacher'")).For(batch, plan.Guidance);
        var velocity = stages.Velocity(parts.Teacher!, Call(batch, conditioning, sigmas.Count == 1 ? sigmas[0] : null), (latents, sigmas, conditioning));
        Watch.Take("the teacher's velocity", sigmas, batch.Prompts, velocity);
        return velocity;
    }

    private Tensor Captions(MicroBatch batch) => parts.Model is IFeatureModel model
        ? model.Captions(_conditioning.For(batch, _unguided))
        : throw new NotSupportedException("the model does not show what it makes of captions: the part that asks for it does not require the capability 'features'");

    private NetworkCall Call(MicroBatch batch, Conditioning conditioning, double? sigma) =>
        new((double)conditioning.EvaluationsPerVelocity * batch.Prompts.Count / plan.Run.Batch, is_grad_enabled(), batch.Prompts.Count, sigma);

    private IDisposable Use(string policy) => copies.Use(policy);

    private double[] OfAllSamples(IReadOnlyList<double> own) => parts.Ranks.Gather("numbers of all samples", own);

    // Neighbouring samples of a micro-batch: all of them, or those of a prompt.
    private sealed record Piece(int Micro, int First, IReadOnlyList<Prompt> Prompts);

    /// <summary>What the micro-batches of one step ask for.</summary>
    private sealed class Services(StepBatches run, Action<int, string, Tensor> observe) : IStepServices
    {
        public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => run.Velocity(batch, latents, sigmas, guided);

        public Tensor MeanVelocity(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided) => run.MeanVelocity(batch, latents, times, guided);

        public Tensor Taught(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas) => run.Taught(batch, latents, sigmas);

        public Tensor Captions(MicroBatch batch) => run.Captions(batch);

        public Scores Score(MicroBatch batch, Tensor latents) => run._scoring.Score(latents, batch.Prompts, (name, scores) => observe(batch.Index, name, scores), run.Watch, run._weighing is { } weighing ? (name, values) => weighing.Column(batch.Index, name, values) : null);

        public Tensor Pictures(MicroBatch batch, int number) => run._pictures.Latents(batch.Prompts, number);

        public Tensor Pictures(MicroBatch batch, IReadOnlyList<int> numbers) => run._pictures.Latents(batch.Prompts, numbers);

        public IDisposable Use(string policy) => run.Use(policy);

        public Tensor? Sampled(MicroBatch batch) => run._sampled?.Of(batch);

        public Tensor? Sampled(MicroBatch batch, int at) => run._sampled?.Of(batch, at);

        public double[] OfAllSamples(IReadOnlyList<double> own) => run.OfAllSamples(own);
    }
}
