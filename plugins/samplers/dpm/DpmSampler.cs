using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.Dpm;

/// <summary>
/// DPM-Solver++ (arXiv 2211.01095) on a rectified flow: a multistep method in the predictions of the data (midpoint form), one evaluation for each step. The first
/// step of a path, also of a piece of one, and the last of the schedule are of first order, and with fewer than 15 steps the one before the last.
/// </summary>
/// <param name="settings">Noise levels, order and η.</param>
public sealed class DpmSampler(DpmSettings settings) : ISampler
{
    /// <inheritdoc/>
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => settings.Create(scheduling, steps);

    /// <inheritdoc/>
    public Tensor Roll(Tensor latents, SamplingPath path)
    {
        ArgumentNullException.ThrowIfNull(path);
        Tensor? previous = null;
        var end = SamplerFold.Over(latents, path, (state, velocity, step) =>
        {
            var data = RectifiedFlow.Leap(state, velocity, -path.Schedule.Sigma(step));
            using var noise = settings.Eta > 0 ? path.Noise(step) : null;
            var secondOrder = settings.Order == 2 && previous is not null && DpmStep.MayBeSecondOrder(path.Schedule, step);
            var next = Advance(DpmStep.Of(path.Schedule, step, noise is null ? 0 : settings.Eta, secondOrder), state, (data, previous), noise);
            previous?.Dispose();
            previous = data;
            return next;
        });
        previous?.Dispose();
        return end;
    }

    private static Tensor Advance(DpmStep step, Tensor state, (Tensor Now, Tensor? Before) data, Tensor? noise)
    {
        using var scope = NewDisposeScope();
        using Scalar ofState = step.State, ofData = step.Data, ofDifference = step.Difference, ofNoise = step.Noise;
        var next = state.mul(ofState).add(data.Now, ofData);
        if (step.Difference != 0) next = next.add(data.Now - data.Before!, ofDifference);
        if (noise is not null) next = next.add(noise.to(next.dtype), ofNoise);
        return next.MoveToOuterDisposeScope();
    }
}
