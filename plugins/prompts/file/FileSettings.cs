using System.ComponentModel;
using System.Text.Json.Serialization;

namespace LeapAlign.Prompts.File;

/// <summary>Settings of <c>file</c>.</summary>
public sealed record FileSettings
{
    /// <summary>The file.</summary>
    [Description("The prompt file, relative to plugins.json. .jsonl: one JSON object a line with a 'prompt' (GenEval's metadata, for instance); any other ending: one caption a line.")]
    [JsonRequired]
    public required string Path { get; init; }
}
