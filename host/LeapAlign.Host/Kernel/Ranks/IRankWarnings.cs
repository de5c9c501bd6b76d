using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>The warnings of a process, on their way to the first, which tells them.</summary>
internal interface IRankWarnings
{
    /// <summary>Those that came for the first time since the last call.</summary>
    IReadOnlyList<Fault> TakeNew();

    /// <summary>Takes one of another process.</summary>
    void Hear(Fault fault);
}
