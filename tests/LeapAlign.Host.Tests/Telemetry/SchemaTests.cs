using System.Reflection;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>The written schema is that of the code, and keeps OpenTelemetry's rules of naming.</summary>
public sealed class SchemaTests
{
    [Fact]
    public void The_page_is_the_one_that_the_code_writes()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "telemetry.md"));
        Assert.True(page == TelemetryPage.Write(), "docs/telemetry.md is not up to date: leapalign schema --telemetry -o docs/telemetry.md writes it");
    }

    [Fact]
    public void Names_are_lower_case_words_in_namespaces_and_none_is_a_namespace_of_another_metric()
    {
        var metrics = MetricSchema.All.Select(static metric => metric.Name).ToList();
        Assert.All(metrics.Concat(TelemetryPage.Attributes().Select(static attribute => attribute.Name.Replace(".<name>", "", StringComparison.Ordinal))), static name => Assert.Matches(@"^[a-z]+(\.[a-z]+(_[a-z]+)*)+$", name));
        Assert.Equal(metrics.Distinct(), metrics);
        Assert.All(metrics, name => Assert.DoesNotContain(metrics, other => other.StartsWith($"{name}.", StringComparison.Ordinal)));
        Assert.All(MetricSchema.All, static metric => Assert.Matches(@"^(1|s|By|\{[a-z]+\}(/s)?)$", metric.Unit));
    }

    [Fact]
    public void Every_definition_is_in_the_schema()
    {
        Assert.Equal(Fields<SpanDefinition>(typeof(SpanSchema)), [.. SpanSchema.All.Except(SpanSchema.Life).OrderBy(static span => span.Name, StringComparer.Ordinal)]);
        Assert.Equal(Fields<MetricDefinition>(typeof(MetricSchema)), [.. MetricSchema.All.OrderBy(static metric => metric.Name, StringComparer.Ordinal)]);
        var attributes = TelemetryPage.Attributes().ToHashSet();
        Assert.All(typeof(Tags).GetFields().Select(static field => (AttributeDefinition)field.GetValue(null)!), attribute => Assert.Contains(attribute, attributes));
        Assert.Equal(typeof(ResourceSchema).GetFields().Length, ResourceSchema.All.Count);
    }

    private static List<T> Fields<T>(Type holder) => [.. holder.GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => (T)field.GetValue(null)!).OrderBy(Name, StringComparer.Ordinal)];

    private static string Name<T>(T definition) => definition switch
    {
        SpanDefinition span => span.Name,
        MetricDefinition metric => metric.Name,
        _ => throw new ArgumentException("no definition", nameof(definition)),
    };
}
