using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>What a verb works on: plugins.json, and the plugins beside the program and beside the file.</summary>
/// <param name="Source">plugins.json and what the command line changes in it; it need not exist.</param>
/// <param name="Catalog">The plugins; verified, not loaded.</param>
internal sealed record Workspace(CompositionSource Source, PluginCatalog Catalog)
{
    /// <summary>The folder of plugins.json.</summary>
    public string Folder => Source.Folder;

    /// <summary>Looks around. Plugins that plugins.json pins to something else are faulted, so that no verb runs their code.</summary>
    public static Workspace Open(CompositionSource source, IPluginLoader loader, BundledPlugins bundled)
    {
        var catalog = Installed(source, loader, bundled);
        var read = source.Read().Match<JsonSource?>(static file => file, static _ => null);
        WaitingThreads.LetSleep(read);
        foreach (var (plugin, fault) in read is null ? [] : Pinning.Differing(read, catalog)) plugin.Fail(fault);
        return new(source, catalog);
    }

    /// <summary>The plugins beside the program and beside plugins.json.</summary>
    public static PluginCatalog Installed(CompositionSource source, IPluginLoader loader, BundledPlugins bundled) =>
        PluginCatalog.Discover([bundled.Folder, Path.Combine(source.Folder, "plugins")], loader);

    /// <summary>Composes the run.</summary>
    public Result<RunPlan> Compose() => Source.Read().Bind(new Composer(Catalog).Compose);
}

/// <summary>Where the plugins that come with the program lie.</summary>
/// <param name="Folder">A folder whose subfolders are plugins.</param>
internal sealed record BundledPlugins(string Folder);
