using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>The fold of every sampler here: a transition where the path has noise, an Euler step where it has none.</summary>
internal static class StochasticFold
{
    public static Tensor Over(Tensor latents, SamplingPath path, IStochasticSampler sampler) => SamplerFold.Over(latents, path, (state, velocity, step) =>
    {
        using var noise = path.Noise(step);
        if (noise is null) return RectifiedFlow.Leap(state, velocity, path.Schedule.Delta(step, step + 1));
        using var scope = NewDisposeScope();
        return sampler.Transition(state, velocity, path.Schedule, step).Next(noise).MoveToOuterDisposeScope();
    });
}
