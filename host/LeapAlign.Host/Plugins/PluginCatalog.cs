using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Plugins;

/// <summary>The plugins that are installed. A plugin that is faulted is listed and concerns nobody until a run needs it.</summary>
internal sealed class PluginCatalog
{
    private PluginCatalog(IReadOnlyList<PluginHandle> plugins) => Plugins = plugins;

    /// <summary>Every plugin folder that was found, in the order of ids.</summary>
    public IReadOnlyList<PluginHandle> Plugins { get; }

    /// <summary>Finds and verifies plugins; nothing is loaded.</summary>
    /// <param name="roots">
    /// Folders whose direct subfolders are plugins. One without plugin.json and without assemblies is no plugin: the sources of bundled plugins lie one
    /// level deeper.
    /// </param>
    /// <param name="loader">Loads the plugins that a run needs.</param>
    public static PluginCatalog Discover(IEnumerable<string> roots, IPluginLoader loader)
    {
        var plugins = roots.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal).Where(Directory.Exists)
            .SelectMany(Directory.EnumerateDirectories)
            .Where(IsPluginFolder)
            .Select(folder => PluginManifest.Read(folder).Match(
                manifest => new PluginHandle(folder, manifest, loader),
                fault => new PluginHandle(folder, fault, loader)))
            .OrderBy(plugin => plugin.Id, StringComparer.Ordinal).ThenBy(plugin => plugin.Folder, StringComparer.Ordinal)
            .ToArray();
        foreach (var plugin in plugins) plugin.Verify();
        FaultDuplicates(plugins);
        return new(plugins);
    }

    /// <summary>The ids of a kind that could be used.</summary>
    public IEnumerable<string> Ids(string kind) => Plugins
        .Where(plugin => plugin.State != PluginState.Faulted)
        .SelectMany(plugin => plugin.Manifest!.Parts)
        .Where(part => part.Kind == kind)
        .Select(part => part.Id);

    /// <summary>Brings the plugin that offers a part to <see cref="PluginState.Configured"/>.</summary>
    /// <param name="kind">One of <see cref="PartKinds"/>.</param>
    /// <param name="id">The word of plugins.json.</param>
    /// <param name="place">Where plugins.json says it.</param>
    /// <returns>The plugin, its own fault, or LA2001 when no plugin lists the part.</returns>
    public Result<PluginHandle> Find(string kind, string id, SourcePlace place) => Locate(kind, id, place).Bind(static plugin => Prepare(plugin).Map(_ => plugin));

    /// <summary>Finds the plugin that offers a part; nothing is loaded.</summary>
    /// <inheritdoc cref="Find"/>
    public Result<PluginHandle> Locate(string kind, string id, SourcePlace place)
    {
        if (Plugins.FirstOrDefault(plugin => plugin.Manifest is null && plugin.Id == id)?.Fault is { } unreadable && !Ids(kind).Contains(id, StringComparer.Ordinal))
        {
            return Result.Fail<PluginHandle>(unreadable);
        }
        if (Plugins.Where(plugin => plugin.Lists(kind, id)).MinBy(plugin => plugin.State == PluginState.Faulted) is not { } plugin)
        {
            return new Fault.Plugin(FaultCodes.UnknownPlugin, $"no plugin offers the {kind} {Quoted.Words(id)}{NearestName.Hint(id, Ids(kind).Concat(PartKinds.Of(kind).Sections.Select(static section => section.Default).OfType<string>()))}", place);
        }
        return plugin.Fault is { } broken ? Result.Fail<PluginHandle>(broken) : plugin;
    }

    /// <summary>Loads a plugin and learns its parts, unless that was done or has failed.</summary>
    public static Result<Unit> Prepare(PluginHandle plugin)
    {
        if (plugin.State == PluginState.Verified) plugin.Load();
        if (plugin.State == PluginState.Loaded) plugin.Configure();
        return plugin.Fault is { } fault ? Result.Fail<Unit>(fault) : Unit.Value;
    }

    /// <summary>Gives all load contexts up and waits for them to go. Nothing may refer to a part, a plan or a setting any more.</summary>
    /// <returns>LA2010, a warning, for each plugin that stays in memory.</returns>
    public IReadOnlyList<Fault> Unload()
    {
        foreach (var plugin in Plugins) plugin.Unload();
        // A load context needs two or three collections: finalizers of what it loaded run in between.
        for (var round = 0; round < 12 && Plugins.Any(plugin => !plugin.IsCollected); round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return
        [
            .. Plugins.Where(plugin => !plugin.IsCollected).Select(plugin => new Fault.Plugin(
                FaultCodes.NotUnloaded, $"plugin '{plugin.Id}' stays in memory: something still refers to its types", new(plugin.Folder))),
        ];
    }

    private static bool IsPluginFolder(string folder)
    {
        try
        {
            return File.Exists(Path.Combine(folder, PluginManifest.FileName)) || Directory.EnumerateFiles(folder, "*.dll").Any();
        }
        catch (Exception closed) when (closed is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Which of two was meant cannot be guessed, so neither is used; but a plugin that is faulted anyway takes nothing from another.
    private static void FaultDuplicates(IReadOnlyList<PluginHandle> plugins)
    {
        var claims = plugins.Where(plugin => plugin.State != PluginState.Faulted).SelectMany(plugin => plugin.Manifest!.Parts
            .Select(part => (what: $"the {part.Kind} '{part.Id}'", plugin))
            .Append((what: $"the plugin id '{plugin.Id}'", plugin)));
        foreach (var claim in claims.GroupBy(claim => claim.what, claim => claim.plugin).Where(group => group.Count() > 1).ToArray())
        {
            var folders = string.Join(" and ", claim.Select(plugin => plugin.Folder));
            foreach (var plugin in claim)
            {
                plugin.Fail(new Fault.Plugin(FaultCodes.DuplicatePlugin, $"{claim.Key} is claimed by {folders}; remove one", new(plugin.Folder)));
            }
        }
    }
}
