using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Schedules;

/// <summary>The fold that every sampler is: one velocity for each step of a path, and who disposes what.</summary>
public static class SamplerFold
{
    /// <summary>Goes along a path.</summary>
    /// <param name="latents">The state at σ_From, [B, ...]; it is not disposed.</param>
    /// <param name="path">The schedule, the velocity, and which steps.</param>
    /// <param name="advance">
    /// From a state, its velocity and the step to the next state, a tensor of its own. The state and the velocity are disposed after it: what a multistep method
    /// keeps of them is a tensor of its own, too.
    /// </param>
    /// <returns>The state at σ_To, never the tensor that was handed in.</returns>
    public static Tensor Over(Tensor latents, SamplingPath path, Func<Tensor, Tensor, int, Tensor> advance)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(advance);
        var state = latents.alias();
        for (var step = path.From; step < path.To; step++)
        {
            using var velocity = path.Velocity(state, step);
            var next = advance(state, velocity, step);
            state.Dispose();
            state = next;
        }
        return state;
    }
}
