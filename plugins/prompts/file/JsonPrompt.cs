using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.File;

/// <summary>A line of JSON: an object whose <c>prompt</c> is the caption. The whole object is kept for rewards that know its form.</summary>
internal static class JsonPrompt
{
    private const string Key = "prompt";

    // What GenEval calls the kind of task a prompt belongs to.
    private const string Task = "tag";

    public static Result<Prompt> Parse(string line, int id, SourcePlace place)
    {
        try
        {
            using var document = JsonDocument.Parse(line, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return Malformed($"expected a JSON object with a '{Key}', found {Name(root.ValueKind)}", place);
            if (!root.TryGetProperty(Key, out var prompt)) return Malformed($"the object has no '{Key}'", place);
            if (prompt.ValueKind != JsonValueKind.String) return Malformed($"'{Key}' has to be text, but is {Name(prompt.ValueKind)}", place with { Key = Key });
            var caption = prompt.GetString()!.Trim();
            var task = root.TryGetProperty(Task, out var tag) && tag.ValueKind == JsonValueKind.String ? tag.GetString() : null;
            return caption.Length > 0 ? new Prompt(id, caption, line) { Task = task } : Malformed($"'{Key}' is empty", place with { Key = Key });
        }
        catch (JsonException exception)
        {
            return Malformed("the line is not JSON", place with { Column = (int)(exception.BytePositionInLine ?? 0) + 1 });
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape, is JSON but not text.
            return Malformed($"'{Key}' is not valid text", place with { Key = Key });
        }
    }

    private static string Name(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Null => "null",
        _ => "an object",
    };

    private static Fault.Input Malformed(string message, SourcePlace place) => new(FaultCodes.BadPromptFile, message, place);
}
