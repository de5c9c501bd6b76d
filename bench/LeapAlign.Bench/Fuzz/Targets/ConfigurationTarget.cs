using System.Text.Json.Nodes;
using LeapAlign.Bench.Fuzz.Mutation;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>
/// plugins.json, through the composer that <c>validate</c> uses, with the bundled plugins. What is accepted has keys that the schema knows, and all of it is
/// in the resolved file.
/// </summary>
internal sealed class ConfigurationTarget : IFuzzTarget, IDisposable
{
    public const string Word = "plugins-json";

    private static readonly string[] s_codes =
    [
        FaultCodes.ConfigurationNotJson, FaultCodes.UnknownKey, FaultCodes.WrongType, FaultCodes.OutOfRange, FaultCodes.Duplicate, FaultCodes.MissingKey, FaultCodes.UnknownValue,
        FaultCodes.DeviceNotAvailable, FaultCodes.UnknownPlugin, FaultCodes.PinMismatch, FaultCodes.MissingPart, FaultCodes.RequirementNotMet, FaultCodes.SettingsDoNotFit,
    ];

    private readonly PluginCatalog _catalog = PluginCatalog.Discover([BuiltHost.Plugins], new IsolatedPluginLoader());
    private readonly Composer _composer;
    private readonly JsonFile _json;
    private readonly KnownKeys _keys;

    /// <summary>Loads the bundled plugins, once: the life of a plugin does not depend on what is composed with it.</summary>
    public ConfigurationTarget(string root)
    {
        foreach (var plugin in _catalog.Plugins) PluginCatalog.Prepare(plugin).Required();
        Seeds = [.. Directory.EnumerateFiles(Path.Combine(root, "examples"), "*.json").Order(StringComparer.Ordinal).Append(Path.Combine(root, "plugins.json")).Select(File.ReadAllBytes)];
        var schema = EditorSchema.Of(_catalog.Plugins);
        (_composer, _keys) = (new(_catalog), new(schema));
        _json = new([.. _catalog.Plugins.SelectMany(static plugin => plugin.Manifest!.Parts).Select(static part => part.Id), .. KnownKeys.Words(schema)]);
    }

    public string Name => Word;

    public IReadOnlyList<byte[]> Seeds { get; }

    public byte[] Mutate(byte[] seed, KeyedRandom random) => _json.Mutate(seed, random);

    public string? Check(byte[] input)
    {
        if (!JsonSource.Parse("plugins.json", input).TryGet(out var source, out var fault)) return Expected.Refusal(fault, s_codes);
        // Composing must not change what it reads: the oracles look at a copy.
        var read = source.Root.DeepClone().AsObject();
        if (!_composer.Compose(source).TryGet(out var plan, out fault)) return Expected.Refusal(fault, s_codes);
        if (_keys.FirstUnknown(read) is { } unknown) throw new BrokenPropertyException($"a key that the schema does not know was accepted: '{unknown}'");
        if (ResolvedKeys.FirstLost(read, JsonNode.Parse(plan.ResolvedJson)!.AsObject()) is { } lost) throw new BrokenPropertyException($"a value was accepted and is not in the resolved file: '{lost}'");
        return null;
    }

    public void Dispose() => _catalog.Unload();
}
