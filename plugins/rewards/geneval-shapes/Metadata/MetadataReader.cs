using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Metadata;

/// <summary>Reads what a prompt asks for from its metadata.</summary>
internal static class MetadataReader
{
    private static readonly IReadOnlyDictionary<string, ShapeClass> Shapes = Words<ShapeClass>(static shape => shape.ToString().ToLowerInvariant());
    private static readonly IReadOnlyDictionary<string, ShapeColor> Colors = Words<ShapeColor>(static color => color.ToString().ToLowerInvariant());

    private static readonly IReadOnlyDictionary<string, Side> Relations = Words<Side>(static side => side.Words());

    /// <summary>Reads GenEval metadata of the shapes world.</summary>
    /// <returns>LA4012 when the prompt has no metadata, or it is malformed, or asks for what no picture of this world can show.</returns>
    public static Result<ShapesMetadata> Read(Prompt prompt)
    {
        if (prompt.Metadata is null)
            return new Fault.Input(FaultCodes.BadPromptMetadata, $"prompt {prompt.Id} '{prompt.Text}': it is a caption alone; expected GenEval metadata, a JSON object with 'include'", new SourcePlace("metadata", Key: "include"));
        return Parse(prompt.Metadata).Bind(Checked).Match(Result.Ok, problem => Wrong(prompt, problem.Message));
    }

    private static Result<MetadataText> Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, MetadataJson.Default.MetadataText) is { } text ? text : Problem("the metadata is null; expected an object with 'include'");
        }
        catch (JsonException exception)
        {
            // The exception's own sentence speaks of .NET types.
            return Problem($"the metadata is not GenEval's at '{exception.Path ?? "$"}'; expected include: [{{class, count, color?, position?: [relation, index]}}]");
        }
    }

    private static Result<ShapesMetadata> Checked(MetadataText text) =>
        from include in text.Include.Select((entry, i) => Entry(entry, $"include[{i}]", text.Include.Count, i)).All()
        from exclude in (text.Exclude ?? []).Select(static (entry, i) => Entry(entry, $"exclude[{i}]", 0, i)).All()
        from _ in Distinct(include)
        select new ShapesMetadata(include, exclude);

    private static Result<AskedObjects> Entry(EntryText? entry, string place, int entries, int index)
    {
        if (entry is null) return Problem($"{place} is null");
        if (entry.Count < 1) return Problem($"{place}.count is {entry.Count}; expected at least 1");
        return
            from shape in Word(Shapes, entry.Class, $"{place}.class")
            from color in entry.Color is null ? Result.Ok<ShapeColor?>(null) : Word(Colors, entry.Color, $"{place}.color").Map(static color => (ShapeColor?)color)
            from position in entry.Position is { } written ? PlaceOf(written, $"{place}.position", entries, index).Map(static found => (Place?)found) : Result.Ok<Place?>(null)
            select new AskedObjects(shape, entry.Count, color, position);
    }

    private static Result<Place> PlaceOf(JsonElement written, string place, int entries, int index)
    {
        if (written.ValueKind != JsonValueKind.Array || written.GetArrayLength() != 2 || written[0].ValueKind != JsonValueKind.String
            || written[1].ValueKind != JsonValueKind.Number || !written[1].TryGetInt32(out var of))
        {
            return Problem($"{place} is not [relation, index]");
        }
        if (of < 0 || of >= entries || of == index) return Problem($"{place} names entry {of}, which is no other entry of include");
        return Word(Relations, written[0].GetString()!, $"{place}[0]").Map(relation => new Place(relation, of));
    }

    /// <summary>Entries that one object could fit cannot each be matched exactly and add up to the number of objects.</summary>
    private static Result<Unit> Distinct(IReadOnlyList<AskedObjects> include)
    {
        if (include.Count == 0) return Problem("include is empty; expected at least one entry");
        for (var later = 1; later < include.Count; later++)
        {
            for (var earlier = 0; earlier < later; earlier++)
            {
                if (include[later].Overlaps(include[earlier])) return Problem($"include[{later}] asks for objects that include[{earlier}] asks for");
            }
        }
        return Unit.Value;
    }

    private static Result<T> Word<T>(IReadOnlyDictionary<string, T> words, string word, string place) =>
        words.TryGetValue(word, out var value) ? value : Problem($"{place} '{word}' is not one of {string.Join(", ", words.Keys)}");

    private static IReadOnlyDictionary<string, T> Words<T>(Func<T, string> word) where T : struct, Enum =>
        new OrderedDictionary<string, T>(Enum.GetValues<T>().Select(value => KeyValuePair.Create(word(value), value)), StringComparer.Ordinal);

    private static Fault.Input Problem(string message) => new(FaultCodes.BadPromptMetadata, message);

    private static Result<ShapesMetadata> Wrong(Prompt prompt, string message) => Problem($"prompt {prompt.Id} '{prompt.Text}': {message}");
}
