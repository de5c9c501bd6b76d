using System.Net;
using System.Text;
using System.Text.Json;
using LeapAlign.Host.Commands;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Reports.Pages;

/// <summary>A report as one HTML file: markup, style, scripts, numbers and pictures. Its content policy lets it load nothing.</summary>
internal sealed class ReportPage
{
    private readonly EmbeddedPictures _pictures = new();

    /// <summary>Reads runs and writes the page about them, aside and renamed.</summary>
    /// <param name="folders">One run, or several side by side.</param>
    /// <param name="output">The file.</param>
    public Result<Unit> Write(IReadOnlyList<string> folders, string output) =>
        RunReader.Read(folders).Bind(runs => OutputFile.Write(output, Encoding.UTF8.GetBytes(Html(ReportData.Of(runs, _pictures)))));

    /// <summary>Writes the page about a run that was read.</summary>
    public Result<Unit> Write(RecordedRun run, string output, IDisk disk) => WholeFile.Write(output, Encoding.UTF8.GetBytes(Html(ReportData.Of([run], _pictures))), disk);

    /// <summary>The page.</summary>
    public static string Html(ReportData data)
    {
        var title = WebUtility.HtmlEncode(string.Join(", ", data.Runs.Select(static run => run.Name)));
        // Data last: it may hold the words that the others are put in place of.
        return PageAssets.Read("report/report.html")
            .Replace("{{title}}", title, StringComparison.Ordinal)
            .Replace("{{style}}", PageAssets.Style, StringComparison.Ordinal)
            .Replace("{{script}}", PageAssets.Script, StringComparison.Ordinal)
            .Replace("{{data}}", JsonSerializer.Serialize(data, ReportJson.Default.ReportData), StringComparison.Ordinal);
    }
}
