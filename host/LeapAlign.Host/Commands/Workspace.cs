using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>
/// What one command works on: plugins.json, read once, and the plugins beside the program and beside the file. When it is disposed, plugins are unloaded.
/// </summary>
internal sealed class Workspace : IDisposable
{
    private readonly Result<JsonSource> _read;
    private readonly Action<Fault> _warn;

    /// <summary>Takes what was read and found.</summary>
    /// <param name="source">plugins.json and what the command line changes in it; it need not exist.</param>
    /// <param name="read">What it says.</param>
    /// <param name="catalog">The plugins; verified, not loaded. Those that plugins.json pins to something else are faulted, so that no verb runs their code.</param>
    /// <param name="warn">Is told of plugins that stay in memory.</param>
    public Workspace(CompositionSource source, Result<JsonSource> read, PluginCatalog catalog, Action<Fault> warn)
    {
        (Source, Catalog, _read, _warn) = (source, catalog, read, warn);
        var file = read.Match<JsonSource?>(static file => file, static _ => null);
        WaitingThreads.Settle(file);
        foreach (var (plugin, fault) in file is null ? [] : Pinning.Differing(file, catalog)) plugin.Fail(fault);
    }

    /// <summary>plugins.json and what the command line changes in it.</summary>
    public CompositionSource Source { get; }

    /// <summary>The plugins.</summary>
    public PluginCatalog Catalog { get; }

    /// <summary>The folder of plugins.json.</summary>
    public string Folder => Source.Folder;

    /// <summary>Whether plugins.json could be read, with the overrides in it.</summary>
    public Result<Unit> Readable => _read.Map(static _ => Unit.Value);

    /// <summary>Composes the run.</summary>
    public Result<RunPlan> Compose() => _read.Bind(WithModelFolder).Bind(new Composer(Catalog).Compose);

    /// <summary>Composes some parts of a run, for what needs no others.</summary>
    /// <param name="change">What the command line changes beside <c>--set</c>.</param>
    /// <param name="sections">The sections of plugins.json that are read.</param>
    public Result<RunPlan> ComposeParts(Func<JsonSource, Result<JsonSource>> change, params IReadOnlyList<string> sections) =>
        _read.Bind(change).Bind(WithModelFolder).Bind(source => new Composer(Catalog).ComposeParts(source, sections));

    /// <summary>Whether plugins.json has a section.</summary>
    /// <param name="section">Its path.</param>
    public bool Names(string section) => _read.Match(file => PartKinds.Section(section).Find(file.Root) is not null, static _ => false);

    public void Dispose()
    {
        foreach (var fault in Catalog.Unload()) _warn(fault);
    }

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

/// <summary>Opens the workspace of a command.</summary>
internal sealed class Workspaces(IPluginLoader loader, BundledPlugins bundled, Terminal terminal)
{
    /// <summary>Reads plugins.json and discovers the plugins.</summary>
    public Workspace Open(CompositionSource source) => Open(source, source.Read());

    /// <summary>Discovers the plugins, for who has read plugins.json.</summary>
    public Workspace Open(CompositionSource source, Result<JsonSource> read) => new(source, read, Installed(source), terminal.Error.Warning);

    /// <summary>The plugins beside the program and beside plugins.json, for who runs none of their code.</summary>
    public PluginCatalog Installed(CompositionSource source) => PluginCatalog.Discover([bundled.Folder, Path.Combine(source.Folder, "plugins")], loader);
}

/// <summary>Where the plugins that come with the program lie.</summary>
/// <param name="Folder">A folder whose subfolders are plugins.</param>
internal sealed record BundledPlugins(string Folder);
