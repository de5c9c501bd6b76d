using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>What a verb works on: plugins.json, and the plugins beside the program and beside the file.</summary>
/// <param name="Source">plugins.json and what the command line changes in it; it need not exist.</param>
/// <param name="Catalog">The plugins; verified, not loaded.</param>
internal sealed record Workspace(CompositionSource Source, PluginCatalog Catalog)
{
    /// <summary>The folder of plugins.json.</summary>
    public string Folder => Source.Folder;

    /// <summary>Looks around.</summary>
    public static Workspace Open(CompositionSource source, IPluginLoader loader, BundledPlugins bundled) =>
        new(source, PluginCatalog.Discover([bundled.Folder, Path.Combine(source.Folder, "plugins")], loader));

    /// <summary>Composes the run.</summary>
    public Result<RunPlan> Compose() => Source.Read().Bind(new Composer(Catalog).Compose);
}

/// <summary>Where the plugins that come with the program lie.</summary>
/// <param name="Folder">A folder whose subfolders are plugins.</param>
internal sealed record BundledPlugins(string Folder);
