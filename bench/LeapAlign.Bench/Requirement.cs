using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>What a measurement cannot do without.</summary>
internal static class Requirement
{
    /// <summary>The value, or the fault as an exception.</summary>
    public static T Required<T>(this Result<T> result) => result.Match(static value => value, static fault => throw new FaultException(fault));
}
