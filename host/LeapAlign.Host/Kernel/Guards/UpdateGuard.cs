using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>What is known of an update before the optimizer makes it.</summary>
/// <param name="Loss">Its loss.</param>
/// <param name="Norm">The norm of its gradient before clipping.</param>
/// <param name="Rewards">The means of the rewards that were scored since the update before it.</param>
internal sealed record PendingUpdate(double Loss, double Norm, IReadOnlyDictionary<string, double> Rewards)
{
    /// <summary>Whether every number is one.</summary>
    public bool IsFinite => double.IsFinite(Loss) && double.IsFinite(Norm) && Rewards.Values.All(double.IsFinite);

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"loss {Loss:G6}, gradient norm {Norm:G6}") + string.Concat(Rewards.Select(static pair => FormattableString.Invariant($", {pair.Key} {pair.Value:G6}")));
}

/// <summary>The guard's decision about an update.</summary>
/// <param name="Fault">What is wrong with it; null when nothing is.</param>
/// <param name="Stops">Whether the run ends.</param>
internal readonly record struct Verdict(Fault? Fault, bool Stops);

/// <summary>Catches numbers that went bad before the optimizer sees them: it leaves updates out, within bounds, or ends the run.</summary>
/// <param name="settings">The rules.</param>
internal sealed class UpdateGuard(GuardSettings settings)
{
    /// <summary>The guard's state, saved in every checkpoint.</summary>
    public GuardState State { get; set; } = GuardState.Start;

    /// <summary>Judges an update.</summary>
    /// <param name="update">The update.</param>
    /// <param name="step">The number of its step, from 0.</param>
    /// <param name="where">Names the first bad number; asked for only when there is one.</param>
    public Verdict Judge(PendingUpdate update, int step, Func<string> where)
    {
        if (!update.IsFinite) return Refuse(settings.NotFinite, FaultCodes.NotFinite, $"step {step + 1}: {update}; {where()}");
        if (IsSpike(update.Norm))
        {
            var message = FormattableString.Invariant($"step {step + 1}: the gradient norm {update.Norm:G6} is {update.Norm / State.Median:0.#} times the median of the last {State.Norms.Count}");
            return Refuse(settings.OnSpike, FaultCodes.GradientSpike, message);
        }
        State = new GuardState([.. State.Norms.TakeLast(settings.Window - 1), update.Norm], 0);
        return default;
    }

    private bool IsSpike(double norm) => settings.Spike > 0 && State.Norms.Count >= settings.Window / 4 && norm > settings.Spike * State.Median;

    private Verdict Refuse(string rule, string code, string message)
    {
        var stops = rule == "stop" || State.Skipped >= settings.Skips;
        if (!stops) State = State with { Skipped = State.Skipped + 1 };
        var consequence = stops
            ? rule == "stop" ? "the run ends before the update" : $"{State.Skipped} updates before it were left out already, and the run ends"
            : "the update was left out";
        return new Verdict(new Fault.Run(code, $"{message}; {consequence}"), stops);
    }
}
