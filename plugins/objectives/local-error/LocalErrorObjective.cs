using System.Globalization;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Objectives.LocalError;

/// <summary>
/// Local regularisation of a neural ODE (Pal, Edelman and Rackauckas 2023, arXiv 2303.02262): the error E that a solver makes in one step h at a random place of the path,
/// times |h|. The state there is a constant, so that memory holds the evaluations of one step whatever the length of the path.
/// </summary>
/// <remarks>
/// The path is the one that the algorithm sampled in the step; where it sampled none, or did not come by, the objective samples up to the place itself, without gradient.
/// </remarks>
/// <param name="name">Its name in the run.</param>
/// <param name="settings">Pair, tolerances and place.</param>
public sealed class LocalErrorObjective(string name, LocalErrorSettings settings) : IPathObjective
{
    /// <summary>Makes one whose settings fit together.</summary>
    /// <returns><see cref="FaultCodes.SettingsDoNotFit"/> where the pair has no estimate of the stiffness.</returns>
    public static Result<LocalErrorObjective> Of(string name, LocalErrorSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings is { Form: StepForm.Stiffness, Pair: SolverPair.Heun })
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{name}: form is stiffness, which the pair heun has no estimate of; set pair to dopri");
        return new LocalErrorObjective(name, settings);
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> States(MicroBatch batch)
    {
        var (step, time) = Place(batch);
        return time == batch.Schedule.Sigma(step) || step + 1 == batch.Schedule.Steps ? [step] : [step, step + 1];
    }

    /// <inheritdoc/>
    public Objective Of(AlignmentStep step, MicroBatch batch, int update)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(batch);
        var (at, time) = Place(batch);
        // Noise levels end at 0.
        var length = Math.Max(batch.Schedule.Delta(at, at + 1), -time);
        var state = State(step, batch, (at, time));
        var made = SolverStep.Of(settings.Pair, (latents, sigma) => batch.Network(latents, [Math.Max(0, sigma)]), state, time, length);
        var error = made.Scaled(state, settings.Atol, settings.Rtol);
        var measured = error.detach();
        List<Measurement> measurements =
        [
            new("error", measured), new(string.Create(CultureInfo.InvariantCulture, $"error_at_{at}"), measured), Measurement.Choice("step", tensor((long)at)),
        ];
        if (made.Stiffness is { } stiffness) measurements.Add(new Measurement("stiffness", stiffness.detach()));
        var loss = settings.Form == StepForm.Stiffness ? made.Stiffness! / SolverStep.StabilitySize : error * Math.Abs(length);
        return new Objective(loss.mean(), [.. measurements]);
    }

    // Known before anything is sampled, and the same in every update of a step.
    private (int Step, double Time) Place(MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var (schedule, random) = (batch.Schedule, batch.Random.For("objective").For(name).Open());
        if (settings.At == StepPlace.Steps)
        {
            var step = random.NextInt(0, schedule.Steps);
            return (step, schedule.Sigma(step));
        }
        var time = schedule.Sigma(0) * (1 - random.NextDouble());
        return (Enumerable.Range(0, schedule.Steps).Last(step => schedule.Sigma(step) >= time), time);
    }

    private static Tensor State(AlignmentStep step, MicroBatch batch, (int Step, double Time) place)
    {
        using var _ = no_grad();
        var (at, time) = place;
        var schedule = batch.Schedule;
        var before = at == 0 ? batch.Noise : step.Sampled(batch, at) ?? Rolled(batch, batch.Noise, 0, at);
        if (time == schedule.Sigma(at)) return before;
        // Between two states a path of few steps is a straight line.
        var after = (at + 1 == schedule.Steps ? step.Sampled(batch) : step.Sampled(batch, at + 1)) ?? Rolled(batch, before, at, at + 1);
        return before.lerp(after, (time - schedule.Sigma(at)) / schedule.Delta(at, at + 1));
    }

    private static Tensor Rolled(MicroBatch batch, Tensor latents, int from, int to) => batch.Sampler.Roll(latents, batch.Path with { From = from, To = to });
}
