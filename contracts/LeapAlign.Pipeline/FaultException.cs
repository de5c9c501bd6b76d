namespace LeapAlign.Pipeline;

/// <summary>
/// Carries a fault out of a place that cannot return one: the middle of a tensor stage, a constructor. The host reports the fault as if it had been
/// returned.
/// </summary>
/// <param name="fault">What went wrong.</param>
public sealed class FaultException(Fault fault) : Exception(fault?.Message)
{
    /// <summary>What went wrong.</summary>
    public Fault Fault { get; } = fault ?? throw new ArgumentNullException(nameof(fault));
}
