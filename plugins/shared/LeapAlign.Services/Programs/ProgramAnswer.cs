using LeapAlign.Pipeline;

namespace LeapAlign.Services.Programs;

/// <summary>What became of a program that was asked.</summary>
public enum ProgramEnd
{
    /// <summary>It wrote an answer and ended with exit code 0.</summary>
    Answered,

    /// <summary>It had not ended in time, and was ended.</summary>
    Late,

    /// <summary>It could not be started, ended with another exit code or by a signal, or wrote too much.</summary>
    Failed,
}

/// <summary>A program's answer, or why there is none.</summary>
/// <param name="End">What became of it.</param>
/// <param name="Output">What it wrote to its standard output; empty where it did not answer.</param>
/// <param name="Fault">What to say where it did not answer; null where it did.</param>
public sealed record ProgramAnswer(ProgramEnd End, byte[] Output, Fault? Fault);
