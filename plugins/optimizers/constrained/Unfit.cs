using LeapAlign.Pipeline;

namespace LeapAlign.Optimizers.Constrained;

/// <summary>Settings of an optimizer that do not fit the run.</summary>
internal static class Unfit
{
    /// <summary>The fault.</summary>
    /// <param name="message">What does not fit.</param>
    public static Fault.Composition Of(string message) => new(FaultCodes.SettingsDoNotFit, message, new SourcePlace("plugins.json", Key: "optimizer"));

    /// <summary>That of a reward which the run does not train, and which a setting names.</summary>
    /// <param name="asked">Who asks what of it, up to its name.</param>
    /// <param name="reward">Its name.</param>
    /// <param name="trained">The names of those that are trained.</param>
    public static Fault.Composition Untrained(string asked, string reward, IEnumerable<string> trained) =>
        Of($"{asked} the reward '{reward}', which the run does not train; trained are {string.Join(", ", trained)}, and a held-out reward has no gradient here");
}
