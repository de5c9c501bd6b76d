using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>What a refusal looks like.</summary>
internal static class Expected
{
    // A sentence with the path of a key and a list of what is known.
    private const int LongestFault = 2710;

    /// <summary>A fault of one of these codes, on one line that a terminal can show, with its place.</summary>
    /// <returns>The code.</returns>
    public static string Refusal(Fault fault, params ReadOnlySpan<string> codes)
    {
        if (!codes.Contains(fault.Code)) throw new BrokenPropertyException($"the fault {fault.Code} is not one of this input: '{fault}'");
        if (fault.Place is null) throw new BrokenPropertyException($"a fault {fault.Code} has no place: '{fault}'");
        var line = fault.ToString();
        if (line.Length > LongestFault) throw new BrokenPropertyException($"a fault {fault.Code} is longer than {LongestFault} characters: '{line[..200]}'");
        if (line.Any(char.IsControl)) throw new BrokenPropertyException($"a fault {fault.Code} holds control characters: '{line}'");
        return fault.Code;
    }
}
