using System.Text;

namespace LeapAlign.Host.Telemetry.Schema;

/// <summary><c>docs/telemetry.md</c>: the schema, as people read it.</summary>
internal static class TelemetryPage
{
    /// <summary>Writes the page, with line feeds.</summary>
    public static string Write()
    {
        var page = new StringBuilder(Opening());
        page.Append("\n## Spans\n\n| span | source | inside | what it is | attributes |\n|---|---|---|---|---|\n");
        foreach (var span in SpanSchema.All) page.Append($"| `{span.Name}` | `{span.Source}` | {span.Parent} | {span.Meaning} | {Names(span.Attributes)} |\n");
        page.Append("\n## Attributes of spans and metrics\n\n| attribute | type | what it says |\n|---|---|---|\n");
        foreach (var attribute in Attributes()) page.Append($"| `{attribute.Name}` | {attribute.Type} | {attribute.Meaning} |\n");
        page.Append("\n## Metrics\n\n| metric | meter | instrument | unit | what it is | attributes |\n|---|---|---|---|---|---|\n");
        foreach (var metric in MetricSchema.All.Concat(MetricSchema.Runtime))
            page.Append($"| `{metric.Name}` | `{metric.Meter}` | {metric.Kind} | `{metric.Unit}` | {metric.Meaning} | {Names(metric.Attributes)} |\n");
        page.Append("\n`System.Runtime` has more than these: it is the runtime's own meter, and all of it is sent.\n");
        page.Append("\n## Resource\n\n| attribute | type | what it says |\n|---|---|---|\n");
        foreach (var attribute in ResourceSchema.All) page.Append($"| `{attribute.Name}` | {attribute.Type} | {attribute.Meaning} |\n");
        return page.ToString();
    }

    /// <summary>Every attribute that a span or a metric carries, once.</summary>
    public static IEnumerable<AttributeDefinition> Attributes() => SpanSchema.All.SelectMany(static span => span.Attributes)
        .Concat([Tags.Seconds])
        .Concat(MetricSchema.All.SelectMany(static metric => metric.Attributes))
        .Distinct()
        .OrderBy(static attribute => attribute.Name, StringComparer.Ordinal);

    private static string Names(IEnumerable<AttributeDefinition> attributes) => string.Join(", ", attributes.Select(static attribute => $"`{attribute.Name}`"));

    private static string Opening()
    {
        using var stream = typeof(TelemetryPage).Assembly.GetManifestResourceStream("telemetry.md")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
