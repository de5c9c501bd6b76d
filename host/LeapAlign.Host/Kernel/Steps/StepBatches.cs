using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Makes the micro-batches of a step. Which prompts and noise a sample has is a pure function of the seed, the step and its number in the step.
/// </summary>
internal sealed class StepBatches(RunPlan plan, RunParts parts, StageClock clock, Device device) : IDisposable
{
    private readonly RandomKey _key = RandomKey.OfRun(plan.Run.Seed);
    private readonly PromptOrder _order = new(parts.Prompts, plan.Run.Group, RandomKey.OfRun(plan.Run.Seed).For("prompts"));
    private readonly Scoring _scoring = new(parts.Model, parts.Rewards, clock);
    private readonly LiveConditioning _conditioning = new(parts.Model, parts.Pictures.Size, clock);
    private readonly PromptPictures _pictures = new(parts.Model, parts.Pictures.Size, clock, device);
    private readonly LatentSpace _latents = parts.Pictures.Latents;
    private readonly ISampler _sampler = TracedSampler.Of(parts.Sampler, clock);

    // Nobody asks for what was sampled where there is no objective beside the algorithm's.
    private readonly SampledLatents? _sampled = plan.Objectives.Count > 0 ? new SampledLatents() : null;

    /// <summary>What came out finite in the step under way.</summary>
    public FiniteWatch Watch { get; } = new();

    /// <summary>The noise levels of training.</summary>
    public Schedule Schedule { get; } = parts.Sampler.CreateSchedule(parts.Model.Scheduling.For(parts.Pictures.Latents));

    /// <summary>The step of a number, whose noise lives in the scope of the caller.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="copies">The lagged policies.</param>
    /// <param name="observe">Takes each trained reward's scores by name.</param>
    /// <param name="draw">0 for the step's own samples; others have prompts, noise and draws of their own.</param>
    public AlignmentStep Of(int index, PolicyCopies copies, Action<string, Tensor> observe, int draw = 0)
    {
        var key = draw == 0 ? _key.For("step", index) : _key.For("step", index).For("draw", draw);
        var order = draw == 0 ? _order : new PromptOrder(parts.Prompts, plan.Run.Group, _key.For("prompts").For("draw", draw));
        _sampled?.Clear();
        return new AlignmentStep
        {
            Index = index,
            Batches = [.. Enumerable.Range(0, plan.Run.Accumulation).Select(micro => Batch((index, micro), order, key, observe))],
            Random = key.For("algorithm"),
            Use = copies.Use,
            Sampled = batch => _sampled?.Of(batch),
        };
    }

    public void Dispose()
    {
        Watch.Dispose();
        _sampled?.Dispose();
        _conditioning.Dispose();
    }

    private MicroBatch Batch((int Index, int Micro) place, PromptOrder order, RandomKey key, Action<string, Tensor> observe)
    {
        var (index, micro) = place;
        var batch = plan.Run.Batch;
        var own = plan.Run.Accumulation * batch;
        // The samples of a process are neighbours, so that whole groups are in one.
        long[] samples = [.. Enumerable.Range((parts.Communicator.Rank * own) + (micro * batch), batch)];
        var prompts = order.Take(((long)index * parts.Communicator.World * own) + samples[0], batch);
        var noise = RandomKey.NormalOfEach(samples.Select(sample => key.For("sample", sample).For("noise")), [.. _latents.Shape], device);
        return Make((micro, samples, prompts, noise), key, observe);
    }

    private MicroBatch Make((int Index, IReadOnlyList<long> Samples, IReadOnlyList<Prompt> Prompts, Tensor Noise) batch, RandomKey key, Action<string, Tensor> observe)
    {
        var (index, samples, prompts, noise) = batch;
        var network = Network(prompts, plan.Guidance);
        return new MicroBatch
        {
            Index = index,
            Samples = samples,
            Prompts = prompts,
            Noise = noise,
            Schedule = Schedule,
            Sampler = _sampled?.Watching(_sampler, index, plan.Run.Batch) ?? _sampler,
            Network = network,
            // An embedded scale is an input that a model was trained with, not a second branch that could be left out.
            Conditional = plan.Guidance.IsActive && parts.Model.GuidanceForm == GuidanceForm.Branches ? Network(prompts, Guidance.None) : network,
            Score = _scoring.For(prompts, observe, Watch),
            Random = key.For("micro-batch", index).For("algorithm"),
            StepKey = key,
            Pictures = number => _pictures.Latents(prompts, number),
            Select = chosen => Make(
                (
                    index,
                    [.. chosen.Select(sample => samples[sample])],
                    [.. chosen.Select(sample => prompts[sample])],
                    noise.index_select(0, tensor(chosen.Select(static sample => (long)sample).ToArray(), device: noise.device))),
                key,
                observe),
        };
    }

    private NetworkVelocity Network(IReadOnlyList<Prompt> prompts, Guidance guidance)
    {
        string[] captions = [.. prompts.Select(static prompt => prompt.Text)];
        return (latents, sigmas) =>
        {
            var conditioning = _conditioning.For(captions, captions, guidance);
            var evaluations = (double)conditioning.EvaluationsPerVelocity * prompts.Count / plan.Run.Batch;
            var call = new NetworkCall(evaluations, is_grad_enabled(), prompts.Count, sigmas.Count == 1 ? sigmas[0] : null);
            var velocity = clock.Evaluate(call, () => parts.Model.Velocity(latents, sigmas, conditioning));
            Watch.Take("velocity", sigmas, prompts, velocity);
            return velocity;
        };
    }
}
