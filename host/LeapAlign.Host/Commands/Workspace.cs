using System.CommandLine;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>What a verb works on: plugins.json, and the plugins beside the program and beside the file.</summary>
internal sealed class Workspace
{
    private readonly IReadOnlyList<string> _overrides;

    private Workspace(string config, IReadOnlyList<string> overrides, PluginCatalog catalog) => (Config, _overrides, Catalog) = (config, overrides, catalog);

    /// <summary>plugins.json, as the user named it.</summary>
    public string Config { get; }

    /// <summary>The folder of plugins.json.</summary>
    public string Folder => Path.GetDirectoryName(Path.GetFullPath(Config))!;

    /// <summary>The plugins; verified, not loaded.</summary>
    public PluginCatalog Catalog { get; }

    /// <summary>Looks around; plugins.json need not exist. Plugins that it pins to something else are faulted, so that no verb runs their code.</summary>
    public static Workspace Open(ParseResult parsed, IPluginLoader loader, BundledPlugins bundled)
    {
        var config = parsed.GetValue(GlobalOptions.Config)!;
        var overrides = parsed.GetValue(GlobalOptions.Set)!;
        var catalog = Installed(config, loader, bundled);
        var source = ConfigurationFile.Read(config, overrides).Match<JsonSource?>(static read => read, static _ => null);
        foreach (var (plugin, fault) in source is null ? [] : Pinning.Differing(source, catalog)) plugin.Fail(fault);
        return new(config, overrides, catalog);
    }

    /// <summary>The plugins beside the program and beside plugins.json.</summary>
    public static PluginCatalog Installed(string config, IPluginLoader loader, BundledPlugins bundled) =>
        PluginCatalog.Discover([bundled.Folder, Path.Combine(Path.GetDirectoryName(Path.GetFullPath(config))!, "plugins")], loader);

    /// <summary>Composes the run.</summary>
    /// <param name="further">Overrides that other options stand for.</param>
    public Result<RunPlan> Compose(params IEnumerable<string> further) =>
        ConfigurationFile.Read(Config, [.. _overrides, .. further]).Bind(new Composer(Catalog).Compose);
}

/// <summary>Where the plugins that come with the program lie.</summary>
/// <param name="Folder">A folder whose subfolders are plugins.</param>
internal sealed record BundledPlugins(string Folder);
