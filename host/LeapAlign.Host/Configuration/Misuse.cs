using LeapAlign.Pipeline;

namespace LeapAlign.Host.Configuration;

/// <summary>A command line that asks for what cannot be.</summary>
internal static class Misuse
{
    /// <summary>Its fault.</summary>
    /// <param name="message">What was asked for, and what can be.</param>
    public static Fault Of(string message) => new Fault.Configuration(FaultCodes.BadOption, message, new SourcePlace("command line"));
}
