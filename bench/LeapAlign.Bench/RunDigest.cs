using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace LeapAlign.Bench;

/// <summary>What has to be the same in two runs that do the same: every metric without its timings, and the exported files of weights.</summary>
/// <param name="Metrics">The lines of metrics.jsonl without <c>timings</c>.</param>
/// <param name="Weights">SHA-256 of each exported file of weights, by its path in the run folder.</param>
internal sealed record RunDigest(IReadOnlyList<string> Metrics, IReadOnlyDictionary<string, string> Weights)
{
    private static readonly string[] s_folders = ["export", "adapter"];

    /// <summary>Reads a run folder.</summary>
    public static RunDigest Of(string run) => new(
        [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(static line =>
        {
            var entry = (JsonObject)JsonNode.Parse(line)!;
            entry.Remove("timings");
            return entry.ToJsonString();
        })],
        s_folders.Select(folder => Path.Combine(run, folder)).Where(Directory.Exists)
            .SelectMany(static folder => Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories))
            .ToDictionary(file => Path.GetRelativePath(run, file), static file => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))), StringComparer.Ordinal));

    /// <summary>The first difference, in words; null when there is none.</summary>
    public string? DifferenceFrom(RunDigest other)
    {
        for (var line = 0; line < Math.Max(Metrics.Count, other.Metrics.Count); line++)
        {
            var (mine, theirs) = (Metrics.ElementAtOrDefault(line), other.Metrics.ElementAtOrDefault(line));
            if (mine != theirs) return $"line {line + 1} of metrics.jsonl: {mine ?? "none"} against {theirs ?? "none"}";
        }
        var file = Weights.Keys.Union(other.Weights.Keys).Order(StringComparer.Ordinal).FirstOrDefault(file => Weights.GetValueOrDefault(file) != other.Weights.GetValueOrDefault(file));
        return file is null ? null : $"the weights of {file}";
    }
}
