using System.CommandLine;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>Writes the report of one run anew, or one of several side by side.</summary>
internal sealed class ReportVerb(Terminal terminal) : IVerb
{
    private readonly Argument<string[]> _runs = new("runs")
    {
        Description = "Run folders, for instance runs/a runs/b; several are shown side by side.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "The file to write; report.html in the folder of a single run, or in the current folder for several.",
        HelpName = "path",
    };

    public bool WritesFiles => true;

    public Command Describe()
    {
        var command = new Command("report", "Shows what runs did, in one HTML file.") { _runs, _output };
        command.KeepApart([_output]);
        command.TakeNoOverrides("shows runs as they were");
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var runs = parsed.GetValue(_runs)!;
        var output = parsed.GetValue(_output) ?? (runs is [var single] ? RunFolder.At(single).Report : "report.html");
        return terminal.Finish(new ReportPage().Write(runs, output).Map(_ =>
        {
            terminal.Write($"wrote {output}");
            return Unit.Value;
        }));
    }
}
