namespace LeapAlign.Host.Reports.Pages;

/// <summary>What pages about runs are made of: style and scripts that draw a <see cref="ReportData"/>, in a file or live.</summary>
internal static class PageAssets
{
    private static readonly string[] s_scripts = ["uPlot.iife.min.js", "base.js", "charts.js", "curves.js", "maps.js", "pictures.js", "tables.js", "page.js"];

    public static string Style => Read("report/uPlot.min.css") + Read("report/report.css");

    public static string Script => string.Join('\n', s_scripts.Select(static name => Read($"report/{name}")));

    /// <summary>A resource of the program, as text.</summary>
    public static string Read(string name)
    {
        using var reader = new StreamReader(typeof(PageAssets).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
