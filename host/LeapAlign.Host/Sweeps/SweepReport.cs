using System.Text;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Spectre.Console;

namespace LeapAlign.Host.Sweeps;

/// <summary>
/// The report of a sweep, in its folder: <c>report.html</c> as <c>leapalign report</c> writes it over the members that have run, and the groups of seeds as <c>summary.json</c> and <c>summary.csv</c>, and on
/// standard output.
/// </summary>
internal static class SweepReport
{
    /// <summary>Writes it.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="members">Its members.</param>
    /// <param name="terminal">Where the table goes.</param>
    /// <returns>LA5006 when no member has run; LA4013 when the folder of one cannot be read; LA5002 when the disk refuses.</returns>
    public static Result<Unit> Write(Sweep sweep, IReadOnlyList<PlannedMember> members, Terminal terminal)
    {
        var folder = Path.GetDirectoryName(members[0].Folder.Path)!;
        var begun = members.Where(static member => File.Exists(member.Folder.Resolved) && File.Exists(member.Folder.Metrics)).ToList();
        if (begun.Count == 0) return new Fault.Run(FaultCodes.NoCheckpoint, "no member of the sweep has run", new SourcePlace(folder));
        return from runs in begun.Select(static member => RunReader.Read(member.Folder).Map(run => new SweptRun(member.Member, run))).All()
               let summary = SweepSummary.Of(sweep, runs)
               from page in new ReportPage().Write([.. begun.Select(static member => member.Folder.Path)], Path.Combine(folder, "report.html"))
               from json in WholeFile.Write(Path.Combine(folder, "summary.json"), Encoding.UTF8.GetBytes(summary.ToJson()))
               from csv in WholeFile.Write(Path.Combine(folder, "summary.csv"), Encoding.UTF8.GetBytes(summary.ToCsv()))
               select Show(summary, folder, terminal);
    }

    private static Unit Show(SweepSummary summary, string folder, Terminal terminal)
    {
        var table = terminal.Table(summary.Columns);
        foreach (var group in summary.Groups) table.AddRow(summary.Cells(group).Select(Terminal.Cell));
        terminal.Console.Write(table);
        terminal.Write($"report {Path.Combine(folder, "report.html")}, summary.json and summary.csv beside it");
        return Unit.Value;
    }
}
