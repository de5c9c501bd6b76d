using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Steps;

/// <summary>What is kept of a path for objectives, of samplers that call velocities and of those that tell steps.</summary>
public sealed class SampledLatentsTests
{
    public SampledLatentsTests() => LibTorch.Load().Value();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_state_on_the_way_is_kept_whether_the_sampler_asks_at_it_or_tells_it(bool ahead)
    {
        using var scope = NewDisposeScope();
        using var sampled = new SampledLatents([new AtStep(1)]);
        ISampler sampler = ahead ? new Telling() : new Asking();
        var watching = sampled.Watching(StagedSampler.Of(sampler, new OpenStages()), 0, 2);
        var batch = new MicroBatch(null!)
        {
            Prompts = [new Prompt(0, "a"), new Prompt(1, "b")],
            Samples = [0, 1],
            Noise = zeros(2, 3),
            Schedule = new Schedule([1, 0.6, 0.2, 0]),
            Sampler = watching,
            Random = RandomKey.OfRun(0),
            StepKey = RandomKey.OfRun(0),
        };
        sampled.Begin(new AlignmentStep(null!) { Index = 0, Batches = [batch], Random = RandomKey.OfRun(0) });
        List<int> passed = [];
        var end = watching.Roll(batch.Noise, new SamplingPath(batch.Schedule, static (latents, _) => ones_like(latents)) { Passed = step => passed.Add(step.Index) });
        Assert.Equal(-0.4f, sampled.Of(batch, 1)!.mean().item<float>(), 1e-6f);
        Assert.Null(sampled.Of(batch, 2));
        Assert.Equal(end.mean().item<float>(), sampled.Of(batch)!.mean().item<float>());
        Assert.Equal(ahead ? [0, 1, 2] : [], passed);
        Assert.Equal(ahead, watching is ISpeculativeSampler { DraftsForTeacher: true });
    }

    private sealed class AtStep(int step) : IPathObjective
    {
        public IReadOnlyList<int> States(MicroBatch batch) => [step];

        public Objective Of(AlignmentStep step, MicroBatch batch, int update) => throw new NotSupportedException();
    }

    private class Asking : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public virtual Tensor Roll(Tensor latents, SamplingPath path)
        {
            for (var step = path.From; step < path.To; step++) latents = RectifiedFlow.Leap(latents, path.Velocity(latents, step), path.Schedule.Delta(step, step + 1));
            return latents;
        }
    }

    private sealed class Telling : Asking, ISpeculativeSampler
    {
        public bool DraftsForTeacher => true;

        public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => throw new NotSupportedException();

        public override Tensor Roll(Tensor latents, SamplingPath path)
        {
            for (var step = path.From; step < path.To; step++)
            {
                var (velocity, before) = (ones_like(latents), latents);
                latents = RectifiedFlow.Leap(latents, velocity, path.Schedule.Delta(step, step + 1));
                path.Passed?.Invoke(new PassedStep(step, before, velocity, latents));
            }
            return latents;
        }
    }
}
