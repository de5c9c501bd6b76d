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
            ["the number of tensor threads"] = tuning.Threads.ToString(CultureInfo.InvariantCulture),
            ["the mode of float32 products"] = tuning.Precision,
            ["the processor"] = RunEnvironment.Processor(),
        };
        foreach (var (name, build) in Builds(identity)) values[name] = build;
        foreach (var (file, digest) in Files(plan, plan.Parts)) values[file] = digest;
        return new ProcessTraits(values);
    }

    /// <summary>Those of a site, whose captions, pictures, threads and processor are its own.</summary>
    /// <param name="plan">What is made of plugins.json.</param>
    /// <param name="identity">The builds.</param>
    /// <param name="asked">What it is asked, by name.</param>
    public static ProcessTraits OfSites(RunPlan plan, RunIdentity identity, IReadOnlyDictionary<string, string> asked)
    {
        var values = new Dictionary<string, string>(asked)
        {
            [Configuration] = new JsonObject
            {
                ["model"] = JsonNode.Parse(plan.Model.Definition.WriteSettings(plan.Model.Settings)),
                ["rewards"] = new JsonObject(plan.Rewards.Select(static reward => KeyValuePair.Create(reward.Part.Name, JsonNode.Parse(reward.Part.Definition.WriteSettings(reward.Part.Settings))))),
                ["size"] = plan.Run.Size,
                ["dtype"] = plan.Run.Dtype,
            }.ToJsonString(),
        };
        foreach (var (name, build) in Builds(identity)) values[name] = build;
        foreach (var (file, digest) in Files(plan, [plan.Model])) values[file] = digest;
        return new ProcessTraits(values);
    }

    /// <summary>As bytes.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(new JsonObject(Values.Select(static pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))).ToJsonString());

    /// <summary>From bytes.</summary>
    public static ProcessTraits Read(byte[] bytes) => new(JsonNode.Parse(bytes)!.AsObject().ToDictionary(static pair => pair.Key, static pair => (string)pair.Value!));

    private static IEnumerable<(string Name, string Build)> Builds(RunIdentity identity)
    {
        yield return ("leapalign", $"{identity.Program.Version} ({identity.Program.Sha256?[..8] ?? "unknown"})");
        yield return ("TorchSharp", identity.Program.Torch);
        foreach (var plugin in identity.Plugins) yield return ($"the plugin '{plugin.Id}'", $"{plugin.Version} ({plugin.Sha256[..8]})");
    }

    // A part that keeps answers or features in a folder is not alike everywhere, and need not be: only what is there to be read, which models and prompts say.
    private static IEnumerable<(string Name, string Digest)> Files(RunPlan plan, IEnumerable<PartPlan> parts)
    {
        foreach (var part in parts)
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
