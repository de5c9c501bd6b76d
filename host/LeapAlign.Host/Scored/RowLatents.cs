using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;

namespace LeapAlign.Host.Scored;

/// <summary>The latents that a row names beside its picture. Nothing is scored by them: a log of scores names them again, for the prompt source <c>scored</c> (docs/prompt-files.md).</summary>
/// <param name="Path">The full path of their file.</param>
/// <param name="Tensor">What the row says of the tensor; null for nothing.</param>
/// <param name="Row">What the row says of the sample; null for nothing.</param>
internal sealed record RowLatents(string Path, string? Tensor, string? Row)
{
    private const string Key = "latents";

    /// <summary>The columns of a log, and what stands in them.</summary>
    public static IReadOnlyList<(string Column, Func<RowLatents, string?> Cell)> Columns { get; } = [(Key, static row => row.Path), ($"{Key}_tensor", static row => row.Tensor), ($"{Key}_row", static row => row.Row)];

    /// <summary>What a row says; null for nothing.</summary>
    /// <param name="row">The caption, with the object that its row is.</param>
    /// <param name="captions">The file of rows, from whose folder files are named.</param>
    public static RowLatents? Of(Prompt row, string captions)
    {
        if (row.Metadata is not { } metadata || JsonNode.Parse(metadata) is not JsonObject says || says[Key] is not JsonValue named || !named.TryGetValue<string>(out _) || Said(says, Key) is not { } file || file.Contains('\0', StringComparison.Ordinal)) return null;
        return new(System.IO.Path.GetFullPath(file, System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(captions))!), Said(says, $"{Key}_tensor"), Said(says, $"{Key}_row"));
    }

    // A text, or a number as it is written.
    private static string? Said(JsonObject says, string key) => says[key] is JsonValue value && value.ToString().Trim() is { Length: > 0 } word ? word : null;
}
