using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
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

    /// <summary>Discovers the installed plugins. Plugins that plugins.json pins to something else are faulted, so that no verb runs their code.</summary>
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
    public Result<RunPlan> Compose() => Source.Read().Bind(WithModelFolder).Bind(new Composer(Catalog).Compose);

    // Which setting of the model is its folder, the model says. A part that is not there has its fault when the run is composed.
    private Result<JsonSource> WithModelFolder(JsonSource source)
    {
        if (Source.ModelFolder is not { } folder || NamedPart.In(source.Root).FirstOrDefault(static part => part.Key == PartKinds.Model) is not { } named) return source;
        if (!Catalog.Find(named.Kind, named.Id, source.Place(named.Key)).TryGet(out var plugin, out _)) return source;
        var settings = plugin.Guard($"describing the settings of '{named.Id}'", () => Result.Ok(PathSettings.Of(plugin.Part(named.Kind, named.Id)).ToList()));
        return settings.Bind(paths => paths.Find(static path => path.IsFolder) is { } setting
            ? Override.Apply(source, $"{PartKinds.Model}.settings.{setting.Key}={JsonText.Of(folder)}")
            : Result.Fail<JsonSource>(Misuse.Of($"--model names a folder, but no setting of the model '{named.Id}' is one")));
    }
}

/// <summary>Where the plugins that come with the program lie.</summary>
/// <param name="Folder">A folder whose subfolders are plugins.</param>
internal sealed record BundledPlugins(string Folder);
