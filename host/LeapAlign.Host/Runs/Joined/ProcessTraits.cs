using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Runs.Joined;

/// <summary>What the processes of a run must have in common, by name.</summary>
/// <param name="Values">The traits.</param>
internal sealed record ProcessTraits(IReadOnlyDictionary<string, string> Values)
{
    /// <summary>The name of the whole configuration.</summary>
    public const string Configuration = "the configuration";

    /// <summary>The configuration.</summary>
    public JsonNode? ConfigurationNode => JsonNode.Parse(Values[Configuration]);

    /// <summary>Those of this process.</summary>
    public static ProcessTraits Of(RunPlan plan, RunIdentity identity, StartupTuning tuning)
    {
        var values = new Dictionary<string, string>
        {
            [Configuration] = identity.Configuration.ToJsonString(),
            ["leapalign"] = $"{identity.Program.Version} ({identity.Program.Sha256?[..8] ?? "unknown"})",
            ["TorchSharp"] = identity.Program.Torch,
            ["the number of tensor threads"] = tuning.Threads.ToString(CultureInfo.InvariantCulture),
            ["the mode of float32 products"] = tuning.Precision,
            ["the processor"] = RunEnvironment.Processor(),
        };
        foreach (var plugin in identity.Plugins) values[$"the plugin '{plugin.Id}'"] = $"{plugin.Version} ({plugin.Sha256[..8]})";
        foreach (var (file, digest) in Files(plan)) values[file] = digest;
        return new ProcessTraits(values);
    }

    /// <summary>As bytes.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(new JsonObject(Values.Select(static pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))).ToJsonString());

    /// <summary>From bytes.</summary>
    public static ProcessTraits Read(byte[] bytes) => new(JsonNode.Parse(bytes)!.AsObject().ToDictionary(static pair => pair.Key, static pair => (string)pair.Value!));

    // A part that keeps answers or features in a folder is not alike everywhere, and need not be: only what is there to be read, which models and prompts say.
    private static IEnumerable<(string Name, string Digest)> Files(RunPlan plan)
    {
        foreach (var part in plan.Parts)
        {
            var settings = JsonNode.Parse(part.Definition.WriteSettings(part.Settings));
            foreach (var written in PathSettings.Of(part.Definition).Select(setting => setting.In(settings)).OfType<string>())
            {
                var path = Path.GetFullPath(written, plan.BaseFolder);
                if (File.Exists(path)) yield return ($"the file {written} of '{part.Name}'", FileSample.Digest(path));
                else if (Directory.Exists(path) && IsModel(path))
                {
                    foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                        yield return ($"the file {Path.Combine(written, Path.GetRelativePath(path, file))} of '{part.Name}'", FileSample.Digest(file));
                }
            }
        }
    }

    private static bool IsModel(string folder) => Directory.EnumerateFiles(folder, "*.json").Any() || Directory.EnumerateFiles(folder, "*.safetensors").Any();
}
