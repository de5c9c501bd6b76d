using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Runs.Joined;

namespace LeapAlign.Host.Runs;

/// <summary>What the policy of a run is before its first update, by its files and settings.</summary>
internal static class FirstPolicy
{
    // Not what people read, such as the README.md of an export.
    private static readonly string[] s_read = [".safetensors", ".json", ".txt", ".model"];

    /// <summary>What the samples of the policy come from.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="latents">The latents of its pictures.</param>
    public static SampleOrigin Origin(RunPlan plan, LatentSpace latents) => new(
        ModelName.Of(plan.Model),
        Weights(plan),
        $"{plan.Sampler.Definition.Id} {plan.Sampler.Definition.WriteSettings(plan.Sampler.Settings)}",
        plan.Guidance.Scale,
        latents.Shape);

    // A new adapter changes nothing yet; one that continues has files.
    private static string Weights(RunPlan plan)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        PartPlan[] parts = [plan.Model, .. plan.Adapter is { } adapter && Files(adapter, plan.BaseFolder).Any() ? [adapter] : Array.Empty<PartPlan>()];
        foreach (var part in parts)
        {
            digest.AppendData(Encoding.UTF8.GetBytes($"{part.Definition.Id}\n{WithoutPaths(part)}\n"));
            foreach (var (name, path) in Files(part, plan.BaseFolder)) digest.AppendData(Encoding.UTF8.GetBytes($"{name} {FileSample.Digest(path)}\n"));
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset())[..16];
    }

    // By their names below the folder or file of the setting, so that a model that was moved is the same.
    private static IEnumerable<(string Name, string Path)> Files(PartPlan part, string baseFolder)
    {
        var settings = JsonNode.Parse(part.Definition.WriteSettings(part.Settings));
        foreach (var written in PathSettings.Of(part.Definition).Select(setting => setting.In(settings)).OfType<string>())
        {
            var path = Path.GetFullPath(written, baseFolder);
            if (File.Exists(path)) yield return (Path.GetExtension(path), path);
            if (!Directory.Exists(path)) continue;
            foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(static file => s_read.Contains(Path.GetExtension(file), StringComparer.Ordinal)).Order(StringComparer.Ordinal))
                yield return (Path.GetRelativePath(path, file), file);
        }
    }

    private static string WithoutPaths(PartPlan part)
    {
        var settings = JsonNode.Parse(part.Definition.WriteSettings(part.Settings));
        foreach (var key in PathSettings.Of(part.Definition).Select(static setting => setting.Key.Split('.')))
        {
            if (key[..^1].Aggregate(settings, static (node, name) => (node as JsonObject)?[name]) is JsonObject holder && holder.ContainsKey(key[^1])) holder[key[^1]] = null;
        }
        return settings?.ToJsonString() ?? "";
    }
}
