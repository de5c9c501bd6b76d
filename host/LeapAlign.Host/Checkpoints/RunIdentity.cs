using System.Reflection;
using System.Text.Json.Nodes;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Checkpoints;

/// <summary>What a run computes with: its configuration and the builds of program and plugins.</summary>
/// <param name="Configuration">plugins.json as the run understood it.</param>
/// <param name="Program">The program.</param>
/// <param name="Plugins">The plugins, by id.</param>
internal sealed record RunIdentity(JsonObject Configuration, ProgramBuild Program, IReadOnlyList<PluginBuild> Plugins)
{
    /// <summary>The identity of a run that is about to begin in this process.</summary>
    public static RunIdentity Of(RunPlan plan) => new(
        JsonNode.Parse(plan.ResolvedJson)!.AsObject(),
        new ProgramBuild(RunEnvironment.Program, Version(typeof(Tensor).Assembly), get_num_threads(), ProgramFiles.Sha256),
        [.. plan.Plugins.OrderBy(static plugin => plugin.Id, StringComparer.Ordinal).Select(Build)])
    {
        WithDefaults = written => ResolvedConfiguration.WithDefaults(written, plan),
    };

    /// <summary>Gives a configuration that an older version wrote the defaults of keys that it did not know.</summary>
    public Func<JsonObject, JsonObject> WithDefaults { get; init; } = static written => written;

    /// <summary>A manifest that says who writes it.</summary>
    public CheckpointManifest Manifest(RunProgress progress, DateTimeOffset written) => new()
    {
        Written = written,
        Program = Program,
        Plugins = Plugins,
        Progress = progress,
        Configuration = Configuration,
        States = new Dictionary<string, SavedState>(),
        Files = new Dictionary<string, Storage.Disks.FileSeal>(),
    };

    /// <summary>The keys whose values differ from those of a checkpoint, with both values.</summary>
    public IReadOnlyList<ChangedKey> ChangesSince(CheckpointManifest then) => [.. ChangedKey.Between(WithDefaults(then.Configuration), WithDefaults(Configuration))];

    /// <summary>Warnings about builds that changed since a checkpoint: the same numbers are not promised then.</summary>
    public IEnumerable<Fault> BuildsSince(CheckpointManifest then)
    {
        if (then.Program with { Sha256 = then.Program.Sha256 ?? Program.Sha256 } != Program) yield return Warning($"the run began with leapalign {Told(then.Program)} and goes on with {Told(Program)}");
        var before = then.Plugins.ToDictionary(static plugin => plugin.Id, StringComparer.Ordinal);
        foreach (var plugin in Plugins)
        {
            if (before.TryGetValue(plugin.Id, out var old) && old != plugin)
                yield return Warning($"the run began with plugin '{plugin.Id}' {Told(old)} and goes on with {Told(plugin)}");
        }
    }

    private static string Told(ProgramBuild build) => $"{build.Version} ({(build.Sha256 is { } digits ? $"{digits[..8]}, " : "")}TorchSharp {build.Torch}, {build.Threads} threads)";

    private static string Told(PluginBuild build) => $"{build.Version} ({build.Sha256[..8]})";

    private static Fault Warning(string message) => new Fault.Run(FaultCodes.BuildChanged, $"{message}; results may differ from those of an uninterrupted run");

    private static PluginBuild Build(PluginHandle plugin) => new(plugin.Id, plugin.Manifest!.Version, PluginFingerprint.Of(plugin).Match(static found => found, _ => plugin.Sha256()));

    private static string Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? $"{assembly.GetName().Version}";
}
