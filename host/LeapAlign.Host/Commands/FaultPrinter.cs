using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>Writes faults the way compilers do, one line each; lines to paste follow it, indented.</summary>
internal static class FaultPrinter
{
    /// <summary>Writes <c>error LA####: file(line,column) key: message</c>.</summary>
    /// <returns>The exit code of the fault.</returns>
    public static int Error(this TextWriter writer, Fault fault)
    {
        writer.WriteLine(Line("error", fault));
        foreach (var line in fault.Advice) writer.WriteLine($"  {line}");
        return fault.ExitCode;
    }

    /// <summary>Writes the same as a warning.</summary>
    public static void Warning(this TextWriter writer, Fault fault) => writer.WriteLine(Line("warning", fault));

    private static string Line(string severity, Fault fault) =>
        $"{severity} {fault.Code}: {(fault.Rank is { } rank ? $"rank {rank}: " : "")}{(fault.Place is null ? "" : $"{fault.Place}: ")}{fault.Message}";
}
