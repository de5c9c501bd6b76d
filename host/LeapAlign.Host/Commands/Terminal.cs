using LeapAlign.Host.Commands.Streams;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Commands;

/// <summary>What the program writes to: tables and results to one stream, faults to the other.</summary>
/// <param name="Console">Results.</param>
/// <param name="Error">Faults, warnings and logs.</param>
internal sealed record Terminal(IAnsiConsole Console, TextWriter Error)
{
    /// <summary>Tells why, and ends the process at once, while another of its threads cannot be stopped.</summary>
    /// <param name="fault">Why.</param>
    public void End(Fault fault)
    {
        Error.Error(fault);
        Error.Flush();
        ProcessEnd.Now(fault.ExitCode);
    }

    /// <summary>Why results were lost, a full disk for instance; null while all have arrived.</summary>
    public Func<string?> Lost { get; init; } = static () => null;

    /// <summary>Ends a verb: prints the fault, if any.</summary>
    /// <returns>The exit code.</returns>
    public int Finish<T>(Result<T> outcome) => outcome.TryGet(out _, out var fault) ? 0 : Error.Error(fault);

    /// <summary>Writes plain text as it is: no markup, no wrapping; what does not show is escaped.</summary>
    public void Write(string text) => Console.Profile.Out.Writer.WriteLine(PlainTextWriter.Of(text));

    /// <summary>Writes data for another program, as it is where the output is redirected; on a screen, what does not show is escaped.</summary>
    public void WriteData(string data) => Console.Profile.Out.Writer.Write(Console.Profile.Out.IsTerminal ? PlainTextWriter.Of(data) : data);

    /// <summary>A cell of a table: no markup; what does not show is escaped.</summary>
    public static Text Cell(string text) => new(PlainTextWriter.Of(text));

    /// <summary>A table without decoration when redirected, so that a script can read it.</summary>
    public Table Table(params IEnumerable<string> columns)
    {
        var table = new Table().Border(Console.Profile.Out.IsTerminal ? TableBorder.Rounded : TableBorder.None);
        foreach (var column in columns) table.AddColumn(new TableColumn(column.EscapeMarkup()));
        return table;
    }
}
