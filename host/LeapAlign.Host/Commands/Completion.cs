namespace LeapAlign.Host.Commands;

/// <summary>Whether a verb that can be asked to stop did all that it was begun for.</summary>
internal enum Completion
{
    /// <summary>It did, whoever asked for a stop in the end.</summary>
    Whole,

    /// <summary>It stopped because it was asked to, with something left to do.</summary>
    Interrupted,
}
