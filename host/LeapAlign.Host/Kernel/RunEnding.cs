namespace LeapAlign.Host.Kernel;

/// <summary>How a run came to its end.</summary>
internal enum RunEnding
{
    /// <summary>All steps were done.</summary>
    Finished,

    /// <summary>It was asked to stop.</summary>
    Interrupted,

    /// <summary>The sentinel found its reward gamed.</summary>
    Gamed,
}
