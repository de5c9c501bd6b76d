using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>A part in the list of plugins.</summary>
/// <param name="plugin">Who offers it; null for the program itself.</param>
/// <param name="part">What its manifest says.</param>
internal sealed class ListedPart(PluginHandle? plugin, ManifestPart part)
{
    /// <summary>The parts that the host knows itself.</summary>
    public static IEnumerable<ListedPart> OfProgram => PartKinds.Sections.Where(static section => section.Default is not null)
        .Select(static section => new ListedPart(null, new ManifestPart { Kind = section.Kind.Name, Id = section.Default!, Summary = section.DefaultMeaning }));

    public string Id => part.Id;

    public string Kind => part.Kind;

    public string Version => plugin is null ? RunEnvironment.Program.Split('+')[0] : plugin.Manifest?.Version ?? "";

    public string State => plugin?.State.ToString() ?? "of the program";

    /// <summary>Its line of the manifest, or why its plugin is faulted.</summary>
    public string About => plugin?.Fault is { } fault ? $"{fault.Code} {fault.Message}" : part.Summary;

    /// <summary>The capabilities that it asks of other parts.</summary>
    /// <param name="settings">Its settings; null for the defaults.</param>
    public IReadOnlyList<string> Requires(object? settings) => Ask<IReadOnlyList<string>>(settings, Least, static (definition, read) => definition.Requires(read), []);

    /// <summary>What an algorithm costs for each image.</summary>
    /// <param name="settings">Its settings; null for the defaults.</param>
    /// <param name="steps">N.</param>
    public string Cost(object? settings, int steps) => Ask(settings, static definition => Read(definition, "{}"), (definition, read) => definition.Cost(read, steps)?.ToString() ?? "", "");

    private T Ask<T>(object? settings, Func<PartDefinition, object?> defaults, Func<PartDefinition, object, T> question, T unknown)
    {
        if (plugin is null or { Fault: not null }) return unknown;
        var definition = plugin.Part(part.Kind, part.Id);
        return plugin.Guard($"describing '{part.Id}'", () => Result.Ok((settings ?? defaults(definition)) is { } read ? question(definition, read) : unknown)).Match(static answer => answer, _ => unknown);
    }

    // What has to be given is empty here. It seldom decides what a part requires of others, while a cost of nothing would be a wrong number.
    private static object? Least(PartDefinition definition) => Read(
        definition,
        new JsonObject(definition.Settings.Properties.Where(static property => property.IsRequired).Select(static property => KeyValuePair.Create(property.Name, Empty(property.PropertyType)))).ToJsonString());

    private static JsonNode? Empty(Type type) =>
        type == typeof(string) ? "" : type == typeof(bool) ? false : type.IsValueType ? 0 : typeof(IEnumerable).IsAssignableFrom(type) ? new JsonArray() : new JsonObject();

    // A part with settings that have to be given has no defaults; that is no fault of its plugin.
    private static object? Read(PartDefinition definition, string settings)
    {
        try
        {
            return definition.ReadSettings(settings);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
