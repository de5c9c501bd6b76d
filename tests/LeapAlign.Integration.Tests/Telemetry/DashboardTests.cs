using System.Text.Json.Nodes;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Integration.Tests.Telemetry.Receivers;
using PuppeteerSharp;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>Runs looked at as an operator would: the Aspire dashboard beside them, its page in a browser.</summary>
public sealed class DashboardTests
{
    [Fact]
    public async Task The_dashboard_shows_every_span_and_metric_of_runs_over_grpc_and_over_http()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("the dashboard is fetched for Linux");
        using var dashboard = await AspireDashboard.Start();
        // Several runs of one service are several instances to the dashboard; here they stand in for one long run.
        const string one = "OTEL_RESOURCE_ATTRIBUTES=service.instance.id=one";
        TelemetryRuns.Everything("over-grpc", [one, $"OTEL_EXPORTER_OTLP_ENDPOINT={dashboard.Grpc}"]);
        TelemetryRuns.Everything("over-http", [one], "--set", "telemetry.otlp=true", "--set", "telemetry.protocol=http/protobuf", "--set", $"telemetry.endpoint={dashboard.Http}");

        await using var browser = await Puppeteer.LaunchAsync(new LaunchOptions { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox"] });
        await using var page = await browser.NewPageAsync();
        await page.SetViewportAsync(new ViewPortOptions { Width = 1600, Height = 4000 });
        foreach (var service in new[] { "over-grpc", "over-http" })
        {
            var traces = await Traces(dashboard, service);
            Assert.Equal(TelemetryRuns.Schema.Select(static span => span.Name).ToHashSet(), traces.SelectMany(static trace => trace.Names).ToHashSet());
            await Shows(page, new Uri(dashboard.Page, $"traces/resource/{service}"), ["command"]);
            var leaps = traces.Single(static trace => trace.Names.Contains("anchor k"));
            await Shows(page, new Uri(dashboard.Page, $"traces/detail/{leaps.Id}"), ["command", "run", "step", "roll", "anchor k", "anchor j", "decode", "score", "backward", "update"]);
            await Screenshot(page, $"trace-{service}.png");
            await Shows(page, new Uri(dashboard.Page, $"metrics/resource/{service}"), MetricSchema.OfEveryRun.Concat(MetricSchema.Runtime).Select(static metric => metric.Name));
            await Shows(page, new Uri(dashboard.Page, $"structuredlogs/resource/{service}"), ["evaluation after step 1"]);
        }
    }

    /// <summary>The traces that the dashboard holds of a service, by the interface that its own tools use.</summary>
    private static async Task<IReadOnlyList<(string Id, IReadOnlySet<string> Names)>> Traces(AspireDashboard dashboard, string service)
    {
        using var client = new HttpClient { BaseAddress = dashboard.Page };
        var answer = JsonNode.Parse(await client.GetStringAsync(new Uri($"api/telemetry/spans?resource={service}&limit=10000", UriKind.Relative)))!;
        return
        [
            .. answer["data"]!["resourceSpans"]!.AsArray()
                .SelectMany(static resource => resource!["scopeSpans"]!.AsArray())
                .SelectMany(static scope => scope!["spans"]!.AsArray())
                .GroupBy(static span => (string)span!["traceId"]!)
                .Select(static trace => (trace.Key, (IReadOnlySet<string>)trace.Select(static span => (string)span!["name"]!).ToHashSet())),
        ];
    }

    private static async Task Screenshot(IPage page, string file)
    {
        if (Environment.GetEnvironmentVariable("LEAPALIGN_SCREENSHOTS") is { Length: > 0 } folder) await page.ScreenshotAsync(Path.Combine(folder, file));
    }

    /// <summary>Opens a page and waits until it shows every word.</summary>
    private static async Task Shows(IPage page, Uri address, IEnumerable<string> words)
    {
        await page.GoToAsync(address.AbsoluteUri, new NavigationOptions { WaitUntil = [WaitUntilNavigation.DOMContentLoaded], Timeout = 60_000 });
        List<string> missing = [];
        for (var attempt = 0; attempt < 60; attempt++)
        {
            var text = await page.EvaluateExpressionAsync<string>("document.body.innerText");
            missing = [.. words.Where(word => !text.Contains(word, StringComparison.Ordinal))];
            if (missing.Count == 0) return;
            await Task.Delay(500);
        }
        Assert.Fail($"{address} does not show {string.Join(", ", missing)}");
    }
}
