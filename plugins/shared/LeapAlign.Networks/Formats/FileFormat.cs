using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Formats;

/// <summary>The fields of one kind of file: all that its reference library reads, and what LeapAlign does with each. Documentation and tests are made from it.</summary>
/// <param name="File">The file, relative to the model folder: <c>scheduler/scheduler_config.json</c>.</param>
/// <param name="Reference">The class of the reference library that reads it: <c>diffusers FlowMatchEulerDiscreteScheduler</c>.</param>
/// <param name="Fields">Its fields.</param>
public sealed record FileFormat(string File, string Reference, IReadOnlyList<FileField> Fields)
{
    /// <summary>Where diffusers lists the keys that count as absent.</summary>
    public const string DefaultsKey = "_use_default_values";

    /// <summary>
    /// Whether diffusers' rules for configurations apply: null is a value like any other and not the same as an absent key, keys that begin with an underscore
    /// are the library's own, and a key that <c>_use_default_values</c> lists counts as absent.
    /// </summary>
    public bool IsOfDiffusers { get; init; }

    /// <summary>The value of a key that counts; null when the key is absent by the rules of the file's library.</summary>
    /// <param name="section">The object that may hold it, the root or a nested one.</param>
    /// <param name="key">Its name within <paramref name="section"/>.</param>
    public JsonElement? Find(JsonElement section, string key)
    {
        if (!section.TryGetProperty(key, out var element)) return null;
        if (!IsOfDiffusers) return element.ValueKind == JsonValueKind.Null ? null : element;
        var isDefault = section.TryGetProperty(DefaultsKey, out var defaults) && defaults.ValueKind == JsonValueKind.Array
            && defaults.EnumerateArray().Any(name => name.ValueKind == JsonValueKind.String && name.GetString() == key);
        return isDefault ? null : element;
    }

    /// <summary>Whether a reader may ask for a key: it is declared and has an effect, or it is the section of keys that are.</summary>
    public bool Reads(string name) =>
        Fields.Any(field => (field.Name == name && field.Effect != FieldEffect.NoEffect) || field.Name.StartsWith($"{name}.", StringComparison.Ordinal));

    /// <summary>One warning <see cref="FaultCodes.UnknownField"/> for each key that is not declared, in the order of the file.</summary>
    /// <param name="root">The file's content.</param>
    /// <param name="path">The file, for messages.</param>
    public IEnumerable<Fault> Unknown(JsonElement root, string path) => Unknown(root, path, "");

    private IEnumerable<Fault> Unknown(JsonElement section, string path, string prefix)
    {
        if (section.ValueKind != JsonValueKind.Object) yield break;
        foreach (var property in section.EnumerateObject())
        {
            var name = prefix + property.Name;
            if (Fields.Any(field => field.Name.StartsWith($"{name}.", StringComparison.Ordinal)))
            {
                foreach (var inner in Unknown(property.Value, path, $"{name}.")) yield return inner;
            }
            else if (!Fields.Any(field => field.Name == name) && !(IsOfDiffusers && property.Name.StartsWith('_')))
            {
                yield return new Fault.Input(FaultCodes.UnknownField, $"'{name}' is not a key of this file and is ignored, as {Reference} does{Hint(name)}", new SourcePlace(path, Key: name));
            }
        }
    }

    private string Hint(string name) => NearestField.Of(name, Fields.Select(static field => field.Name)) is { } nearest ? $"; did you mean '{nearest}'?" : "";
}
