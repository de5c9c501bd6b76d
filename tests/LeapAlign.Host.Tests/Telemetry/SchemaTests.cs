using System.Diagnostics;
using System.Reflection;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>The written schema is that of the code, and keeps OpenTelemetry's rules of naming.</summary>
public sealed class SchemaTests
{
    private static readonly List<PluginManifest> s_bundled =
        [.. PluginCatalog.Discover([Path.Combine(TestWorkspace.HostFolder, "plugins")], new IsolatedPluginLoader()).Plugins.Select(static plugin => plugin.Manifest!)];

    [Fact]
    public void Spans_that_plugins_declare_are_on_the_page_and_none_is_called_as_one_of_the_hosts()
    {
        var own = s_bundled.SelectMany(SpanSchema.Of).ToList();
        Assert.NotEmpty(own);
        Assert.All(own, static span => Assert.DoesNotContain(span.Name, SpanSchema.All.Select(static other => other.Name)));
        Assert.All(own, static span => Assert.Contains(span.Parent, SpanSchema.All.Select(static other => other.Name)));
        Assert.All(own, span => Assert.Contains($"| `{span.Name}` | `{span.Source}` |", TelemetryPage.Write(s_bundled), StringComparison.Ordinal));
        // An attribute that the host has too means the same.
        var known = TelemetryPage.Attributes().ToDictionary(static attribute => attribute.Name, static attribute => attribute.Type);
        Assert.All(own.SelectMany(static span => span.Attributes), attribute => Assert.Equal(known.GetValueOrDefault(attribute.Name, attribute.Type), attribute.Type));
    }

    [Fact]
    public void A_span_of_a_parts_own_is_from_a_plugins_source_and_none_of_the_hosts()
    {
        using var listener = new ActivityListener { ShouldListenTo = static _ => true, Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(listener);
        (string Source, string Name, bool Own)[] spans = [(SourceNames.OfPlugin("x"), "whatever", true), (SourceNames.OfPlugin("x"), SpanSchema.Roll.Name, false), (SourceNames.Kernel, "whatever", false)];
        foreach (var (name, span, own) in spans)
        {
            using var source = new ActivitySource(name);
            using var activity = source.StartActivity(span)!;
            Assert.Equal(own, SpanSchema.IsOfPart(activity));
        }
    }

    [Fact]
    public void The_page_is_the_one_that_the_code_writes()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "telemetry.md"));
        Assert.True(page == TelemetryPage.Write(s_bundled), "docs/telemetry.md is not up to date: leapalign schema --telemetry -o docs/telemetry.md writes it");
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
