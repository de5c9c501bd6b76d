using System.Globalization;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>A field of a row.</summary>
/// <param name="Name">Its key, or its column.</param>
/// <param name="Text">Its text; null when it is none.</param>
/// <param name="Kind">What it is instead of text.</param>
internal sealed record RowField(string Name, string? Text, string Kind = "")
{
    /// <summary>A number as its file has it; null when it is none.</summary>
    public string? Number { get; init; }

    /// <summary>Whether there is nothing in it.</summary>
    public bool IsNull { get; init; }
}

/// <summary>An object of JSON or a row of a table, or a caption that stands where one could be.</summary>
public sealed class PromptRow
{
    // As trainers call a caption.
    private static readonly string[] s_captions = ["prompt", "caption", "text"];

    private readonly IReadOnlyList<RowField> _fields;

    internal PromptRow(SourcePlace place, IReadOnlyList<RowField> fields, string json) => (Place, _fields, Json) = (place, fields, json);

    internal PromptRow(SourcePlace place, string caption) => (Place, _fields, Caption) = (place, [], caption);

    /// <summary>Its file and line.</summary>
    public SourcePlace Place { get; }

    /// <summary>The object as its file has it, or an object of the columns of a table; null for a caption alone.</summary>
    public string? Json { get; }

    /// <summary>Whether a first row named its fields.</summary>
    internal bool IsOfTable { get; init; }

    private string? Caption { get; }

    /// <summary>The row as a prompt.</summary>
    /// <param name="id">Its place in the source.</param>
    /// <param name="key">The field of the caption; null for the one that is there of <c>prompt</c>, <c>caption</c> and <c>text</c>, in letters of either case.</param>
    /// <returns>LA4010 when no field, or more than one, could be the caption, or what is there is no caption.</returns>
    public Result<Prompt> Prompt(int id, string? key)
    {
        if (Caption is not null)
        {
            return key is null
                ? PromptText.Caption(Caption, Place).Map(caption => new Prompt(id, caption))
                : Malformed.At<Prompt>(Place, $"expected an object with '{key}', found text");
        }
        return from field in CaptionField(key)
               from text in TextOf(field)
               from caption in PromptText.Caption(text, Place with { Key = field.Name })
               from task in Task()
               select new Prompt(id, caption, Json) { Task = task };
    }

    /// <summary>The text of a field, trimmed and not empty.</summary>
    /// <returns>LA4010 when it is absent or no text.</returns>
    public Result<string> Text(string key)
    {
        if (Field(key) is not { } field) return Absent<string>($"'{key}'");
        return TextOf(field).Bind(text => text.Trim() is { Length: > 0 } trimmed ? trimmed : Malformed.At<string>(Place with { Key = key }, $"'{key}' is empty"));
    }

    /// <summary>The text of a field that need not be there, trimmed.</summary>
    /// <returns>Null where it is absent, null or empty; LA4010 when it is no text.</returns>
    public Result<string?> TextIfAny(string key) => Field(key) switch
    {
        null or { IsNull: true } => Result.Ok<string?>(null),
        { } field => TextOf(field).Map(static text => text.Trim() is { Length: > 0 } trimmed ? trimmed : null),
    };

    /// <summary>The whole number of a field that need not be there, from 0: one of JSON, or a text that is one, as tables have it.</summary>
    /// <returns>Null where it is absent, null or empty; LA4010 when it is something else.</returns>
    public Result<int?> IndexIfAny(string key)
    {
        if (Field(key) is not { IsNull: false } field) return Result.Ok<int?>(null);
        var written = (field.Number ?? field.Text)?.Trim();
        if (written is "") return Result.Ok<int?>(null);
        return int.TryParse(written, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? Result.Ok<int?>(index)
            : Malformed.At<int?>(Place with { Key = key }, $"'{key}' has to be a whole number from 0, but is {(written is null ? field.Kind : $"'{Malformed.Excerpt(written)}'")}");
    }

    /// <summary>The number of a field: one of JSON, or a text that is one, as tables have it and as "NaN" is written.</summary>
    /// <returns>Null where it is null, empty or not a number in the sense of arithmetic; LA4010 when the field is absent, LA4027 when it is something else.</returns>
    public Result<double?> Number(string key)
    {
        if (Field(key) is not { } field) return Absent<double?>($"'{key}'");
        var written = (field.Number ?? field.Text)?.Trim();
        if (field.IsNull || written is "") return Result.Ok<double?>(null);
        if (double.TryParse(written, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) return double.IsNaN(number) ? Result.Ok<double?>(null) : number;
        return new Fault.Input(FaultCodes.BadScore, $"'{key}' has to be a number, but is {(field.Text is { } text ? $"'{Malformed.Excerpt(text)}'" : field.Kind)}", Place with { Key = key });
    }

    private string Advice => (_fields.Count, IsOfTable) switch
    {
        (0, _) => "",
        (_, true) => "; the first row of a table names its columns, the setting \"key\" that of the caption where it is another",
        _ => "; name the field of the caption by the setting \"key\"",
    };

    private Result<RowField> CaptionField(string? key)
    {
        if (key is not null) return Field(key) is { } named ? named : Absent<RowField>($"'{key}', which the setting 'key' names");
        var candidates = _fields.Where(static field => s_captions.Contains(field.Name.Trim(), StringComparer.OrdinalIgnoreCase)).ToArray();
        return candidates switch
        {
            [var only] => only,
            [] => Absent<RowField>("'prompt', 'caption' or 'text'", Advice),
            _ => Malformed.At<RowField>(
                Place,
                $"the caption could be any of {Malformed.List(candidates.Select(static field => field.Name))}; say which by the setting \"key\", for instance \"key\": \"{candidates[0].Name}\""),
        };
    }

    // What GenEval calls the kind of task that a prompt belongs to.
    private Result<string?> Task() => Field("tag") switch
    {
        null or { IsNull: true } => Result.Ok<string?>(null),
        { Text: { } tag } => Result.Ok<string?>(tag.Length > 0 ? tag : null),
        { } other => Malformed.At<string?>(Place with { Key = other.Name }, $"'tag' has to be text, but is {other.Kind}"),
    };

    private Result<string> TextOf(RowField field) =>
        field.Text is { } text ? text : Malformed.At<string>(Place with { Key = field.Name }, $"'{field.Name}' has to be text, but is {field.Kind}");

    private RowField? Field(string key) => _fields.FirstOrDefault(field => field.Name == key);

    private Result<T> Absent<T>(string wanted, string advice = "") => Malformed.At<T>(
        Place, _fields.Count == 0 ? $"expected an object with {wanted}, found {(Caption is null ? "an empty one" : "text")}" : $"there is no {wanted}; there is {Malformed.List(_fields.Select(static field => field.Name))}{advice}");
}
