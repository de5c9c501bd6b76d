using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>The recorded update of the published trainer: the network that sampled, and the one that is trained.</summary>
internal sealed class RecordedPolicy : IDisposable
{
    public RecordedPolicy(string name, string trained)
    {
        Sampling = new RecordedTrainer(name);
        Trained = new RecordedTrainer(name, trained);
    }

    public RecordedTrainer Sampling { get; }

    public RecordedTrainer Trained { get; }

    public Recording Recorded => Sampling.Recorded;

    public int Steps => Sampling.Options.GetProperty("steps").GetInt32();

    public Schedule Schedule => (Sampling.Options.GetProperty("schedule").GetString(), Sampling.Number("shift", 1)) switch
    {
        ("pipeline-default", var shift) => Sigmas.PipelineDefault(Steps, shift, 1000),
        ("explicit", var shift) => Sigmas.Explicit(Steps, shift),
        ("dance", var shift) => Sigmas.Dance(Steps, shift),
        var (kind, _) => throw new InvalidOperationException($"no schedule '{kind}'"),
    };

    /// <summary>Every state that the network saw: whether with gradient, and the σ. They outlive the scopes of the step.</summary>
    public List<(bool Gradient, double Sigma, Tensor Latents)> Calls { get; } = [];

    /// <summary>What the reward saw.</summary>
    public Tensor? Sample { get; private set; }

    public AlignmentStep Step(ISampler sampler) => new(Services())
    {
        Index = 0,
        Batches = [Batch(sampler)],
        Random = RandomKey.OfRun(3),
    };

    public MicroBatch Batch(ISampler sampler)
    {
        var noise = Recorded["state.0"];
        return new MicroBatch(Services())
        {
            Prompts = [.. Enumerable.Range(0, (int)noise.shape[0]).Select(static _ => new Prompt(0, "prompt"))],
            Noise = noise,
            Schedule = Schedule,
            Sampler = sampler,
            Samples = [.. Enumerable.Range(0, (int)noise.shape[0])],
            Random = RandomKey.OfRun(3).For("micro-batch", 0),
            StepKey = RandomKey.OfRun(3),
        };
    }

    private ScriptedStep Services()
    {
        var (sampling, trained) = (Sampling.Network(), Trained.Network());
        return new ScriptedStep(
            // The rollout is without gradient, the objectives are with it: between the two the policy was updated.
            (latents, sigmas) =>
            {
                Calls.Add((is_grad_enabled(), sigmas[0], latents.detach().DetachFromDisposeScope()));
                return (is_grad_enabled() ? trained : sampling)(latents, sigmas);
            },
            latents =>
            {
                Sample = latents.detach().DetachFromDisposeScope();
                return Scores.Of(latents.flatten(1).mean([1]));
            });
    }

    public void Dispose()
    {
        Sampling.Dispose();
        Trained.Dispose();
        Sample?.Dispose();
        foreach (var (_, _, latents) in Calls) latents.Dispose();
    }
}
