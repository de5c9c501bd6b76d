using System.Text;
using LeapAlign.Host.Plugins;

namespace LeapAlign.Host.Telemetry.Schema;

/// <summary><c>docs/telemetry.md</c>: the schema, as people read it.</summary>
internal static class TelemetryPage
{
    /// <summary>Writes the page, with line feeds.</summary>
    /// <param name="plugins">The plugins whose own spans are listed too.</param>
    public static string Write(IEnumerable<PluginManifest> plugins)
    {
        var page = new StringBuilder(Opening());
        var own = plugins.SelectMany(SpanSchema.Of).ToList();
        page.Append("\n## Spans\n\n| span | source | inside | what it is | attributes |\n|---|---|---|---|---|\n");
        foreach (var span in SpanSchema.All.Concat(own)) page.Append($"| `{span.Name}` | `{span.Source}` | {span.Parent} | {span.Meaning} | {Names(span.Attributes)} |\n");
        page.Append("\n## Attributes of spans and metrics\n\n| attribute | type | what it says |\n|---|---|---|\n");
        foreach (var attribute in Attributes(own)) page.Append($"| `{attribute.Name}` | {attribute.Type} | {attribute.Meaning} |\n");
        page.Append("\n## Metrics\n\n| metric | meter | instrument | unit | what it is | attributes |\n|---|---|---|---|---|---|\n");
        foreach (var metric in MetricSchema.All.Concat(MetricSchema.Runtime))
            page.Append($"| `{metric.Name}` | `{metric.Meter}` | {metric.Kind} | `{metric.Unit}` | {metric.Meaning} | {Names(metric.Attributes)} |\n");
        page.Append("\n`System.Runtime` has more than these: it is the runtime's own meter, and all of it is sent.\n");
        page.Append("\n## Resource\n\n| attribute | type | what it says |\n|---|---|---|\n");
        foreach (var attribute in ResourceSchema.All) page.Append($"| `{attribute.Name}` | {attribute.Type} | {attribute.Meaning} |\n");
        return page.ToString();
    }

    /// <summary>Every attribute that a span or a metric carries, once.</summary>
    /// <param name="own">Spans of plugins.</param>
    public static IEnumerable<AttributeDefinition> Attributes(params IEnumerable<SpanDefinition> own) => SpanSchema.All.Concat(own).SelectMany(static span => span.Attributes)
        .Concat([Tags.Seconds])
        .Concat(MetricSchema.All.SelectMany(static metric => metric.Attributes))
        .DistinctBy(static attribute => attribute.Name)
        .OrderBy(static attribute => attribute.Name, StringComparer.Ordinal);

    private static string Names(IEnumerable<AttributeDefinition> attributes) => string.Join(", ", attributes.Select(static attribute => $"`{attribute.Name}`"));

    private static string Opening()
    {
        using var stream = typeof(TelemetryPage).Assembly.GetManifestResourceStream("telemetry.md")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
