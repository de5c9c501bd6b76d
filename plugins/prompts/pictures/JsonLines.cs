using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.Pictures;

/// <summary>A file of one JSON object a line. Blank lines are skipped.</summary>
internal static class JsonLines
{
    /// <summary>Reads prompts.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="parse">From a line and the prompt's number to the prompt.</param>
    public static Result<IReadOnlyList<Prompt>> Read(string path, Func<JsonLine, int, Result<Prompt>> parse) =>
        TextFile.Read(path).Bind(text => Parse(text, path, parse));

    private static Result<IReadOnlyList<Prompt>> Parse(string text, string path, Func<JsonLine, int, Result<Prompt>> parse)
    {
        List<Prompt> prompts = [];
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (!Parse(line.TrimEnd('\r'), prompts.Count, new SourcePlace(path, number, 1), parse).TryGet(out var prompt, out var fault))
                return Result.Fail<IReadOnlyList<Prompt>>(fault);
            prompts.Add(prompt);
        }
        return prompts.Count > 0 ? prompts : Result.Fail<IReadOnlyList<Prompt>>(new Fault.Input(FaultCodes.NoPrompts, "the file holds no prompt", new SourcePlace(path)));
    }

    private static Result<Prompt> Parse(string line, int id, SourcePlace place, Func<JsonLine, int, Result<Prompt>> parse)
    {
        try
        {
            using var document = JsonDocument.Parse(line, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? parse(new JsonLine(document.RootElement, line, place), id)
                : PictureFiles.Malformed("expected a JSON object", place);
        }
        catch (JsonException exception)
        {
            return PictureFiles.Malformed("the line is not JSON", place with { Column = (int)(exception.BytePositionInLine ?? 0) + 1 });
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape: looking for names that are there twice reads them all.
            return PictureFiles.Malformed("a name in the object is not valid text", place);
        }
    }
}

/// <summary>An object of JSON lines.</summary>
/// <param name="Root">The object.</param>
/// <param name="Json">Its text.</param>
/// <param name="Place">Its file and line.</param>
internal sealed record JsonLine(JsonElement Root, string Json, SourcePlace Place)
{
    /// <summary>The text of the first of the keys that is there, trimmed and not empty.</summary>
    public Result<string> Text(params IReadOnlyList<string> keys)
    {
        var key = keys.FirstOrDefault(key => Root.TryGetProperty(key, out _));
        if (key is null) return PictureFiles.Malformed($"the object has no '{string.Join("' or '", keys)}'", Place);
        var place = Place with { Key = key };
        var value = Root.GetProperty(key);
        if (value.ValueKind != JsonValueKind.String) return PictureFiles.Malformed($"'{key}' has to be text", place);
        try
        {
            return value.GetString()!.Trim() is { Length: > 0 } text ? text : PictureFiles.Malformed($"'{key}' is empty", place);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape, is JSON but not text.
            return PictureFiles.Malformed($"'{key}' is not valid text", place);
        }
    }
}
