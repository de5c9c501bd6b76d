using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Fuzz;

/// <summary>A reader of files that strangers write, and what must hold whatever is in them.</summary>
internal interface IFuzzTarget
{
    /// <summary>Its word on the command line, and its folder in the corpus.</summary>
    string Name { get; }

    /// <summary>Files that mutation begins with, beside those of the corpus.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>Another file, from one that is given: a function of its arguments.</summary>
    byte[] Mutate(byte[] seed, KeyedRandom random);

    /// <summary>Reads a file.</summary>
    /// <returns>Null when it was accepted, otherwise the code of the fault.</returns>
    /// <exception cref="BrokenPropertyException">What must hold does not. Any other exception is a crash.</exception>
    string? Check(byte[] input);
}

/// <summary>A file was read, or refused, in a way that must not be.</summary>
/// <param name="message">What does not hold.</param>
internal sealed class BrokenPropertyException(string message) : Exception(message);
