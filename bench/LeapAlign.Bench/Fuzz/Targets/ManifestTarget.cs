using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Bench.Fuzz.Mutation;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>plugin.json in a folder with all assemblies of the bundled plugins, discovered and verified as for any verb. What is accepted is in the manifest that was read.</summary>
internal sealed class ManifestTarget : IFuzzTarget, IDisposable
{
    public const string Word = "manifests";

    private static readonly string[] s_codes = [FaultCodes.BadManifest, FaultCodes.BadAssembly, FaultCodes.ContractMismatch];

    private readonly string _plugins = Directory.CreateTempSubdirectory("leapalign-fuzz-").FullName;
    private readonly string _folder;
    private readonly JsonFile _json;

    public ManifestTarget(string root)
    {
        Seeds = [.. Directory.EnumerateFiles(Path.Combine(root, "plugins"), PluginManifest.FileName, SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        _folder = Directory.CreateDirectory(Path.Combine(_plugins, "mutant")).FullName;
        var assemblies = Seeds.Select(static seed => JsonNode.Parse(seed)!).Select(static manifest => ((string)manifest["id"]!, (string)manifest["assembly"]!)).ToList();
        foreach (var file in assemblies.SelectMany(static pair => Directory.EnumerateFiles(Path.Combine(BuiltHost.Plugins, pair.Item1), "*.dll")).DistinctBy(Path.GetFileName))
            File.CreateSymbolicLink(Path.Combine(_folder, Path.GetFileName(file)), file);
        _json = new([.. PartKinds.All, .. assemblies.Select(static pair => pair.Item2), "[2.0,3.0)", "(,1.0]", "[2,)", "1.0", "..dll", "sd3"]);
    }

    public string Name => Word;

    public IReadOnlyList<byte[]> Seeds { get; }

    public byte[] Mutate(byte[] seed, KeyedRandom random) => _json.Mutate(seed, random);

    public string? Check(byte[] input)
    {
        File.WriteAllBytes(Path.Combine(_folder, PluginManifest.FileName), input);
        var plugin = PluginCatalog.Discover([_plugins], new IsolatedPluginLoader()).Plugins.Single();
        if (plugin.Fault is { } fault) return Expected.Refusal(fault, s_codes);
        var read = JsonSource.Parse(PluginManifest.FileName, input).Match(static source => source.Root, static refused => throw new BrokenPropertyException($"a manifest was accepted that is no JSON: {refused}"));
        var kept = JsonSerializer.SerializeToNode(plugin.Manifest!, HostJson.Manifest)!.AsObject();
        if (ResolvedKeys.FirstLost(read, kept) is { } lost) throw new BrokenPropertyException($"a value was accepted and is not in the manifest: '{lost}'");
        return null;
    }

    public void Dispose() => Directory.Delete(_plugins, recursive: true);
}
