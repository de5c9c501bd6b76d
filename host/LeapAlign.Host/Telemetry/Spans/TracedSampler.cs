using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry.Schema;
using static TorchSharp.torch;

namespace LeapAlign.Host.Telemetry.Spans;

/// <summary>A sampler whose rollouts are a stage. It passes everything on.</summary>
internal class TracedSampler : ISampler
{
    private readonly ISampler _sampler;
    private readonly StageClock _clock;

    private TracedSampler(ISampler sampler, StageClock clock) => (_sampler, _clock) = (sampler, clock);

    /// <summary>The sampler, stochastic where it is.</summary>
    public static ISampler Of(ISampler sampler, StageClock clock) => sampler is IStochasticSampler stochastic ? new Stochastic(stochastic, clock) : new TracedSampler(sampler, clock);

    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => _sampler.CreateSchedule(scheduling, steps);

    public Tensor Roll(Tensor latents, SamplingPath path) => _clock.Measure(SpanSchema.Roll.Name, () => _sampler.Roll(latents, path));

    private sealed class Stochastic(IStochasticSampler sampler, StageClock clock) : TracedSampler(sampler, clock), IStochasticSampler
    {
        public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => sampler.Transition(latents, velocity, schedule, step);
    }
}
