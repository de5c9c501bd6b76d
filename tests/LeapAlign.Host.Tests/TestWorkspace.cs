using System.Reflection;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests;

/// <summary>A temporary folder with plugins and a plugins.json.</summary>
internal sealed class TestWorkspace : IDisposable
{
    /// <summary>A plugins.json of the test plugin <c>parts</c> with nothing wrong.</summary>
    public const string Valid = """
        {
          "model": { "id": "canvas", "settings": { "folder": "m" } },
          "prompts": "lines",
          "sampler": "euler",
          "algorithm": "direct",
          "rewards": ["smooth"],
          "optimizer": "descent"
        }
        """;

    /// <summary>Where the test plugins were built to.</summary>
    public static string BuiltPlugins { get; } = Path.Combine(AppContext.BaseDirectory, "plugins");

    /// <summary>The folder that the host was built to, bundled plugins included.</summary>
    public static string HostFolder { get; } = typeof(TestWorkspace).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "HostFolder").Value!;

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-tests-").FullName;

    public string Config => Path.Combine(Folder, "plugins.json");

    public string Plugins => Path.Combine(Folder, "plugins");

    /// <summary>Copies a built test plugin into the workspace.</summary>
    /// <returns>The copy's folder.</returns>
    public string Drop(string plugin, string? name = null)
    {
        var target = Path.Combine(Plugins, name ?? plugin);
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(BuiltPlugins, plugin))) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        return target;
    }

    public TestWorkspace Write(string json)
    {
        File.WriteAllText(Config, json);
        return this;
    }

    /// <summary>The built test plugins, loaded and composed once for all tests.</summary>
    public static PluginCatalog Shared => SharedCatalog.Value;

    public PluginCatalog Catalog() => PluginCatalog.Discover([Plugins], new IsolatedPluginLoader());

    /// <summary>Composes the workspace's plugins.json with the built test plugins.</summary>
    public Result<RunPlan> Compose(params string[] overrides) => Compose(Shared, overrides);

    public Result<RunPlan> Compose(PluginCatalog catalog, params string[] overrides) =>
        ConfigurationFile.Read(Config, overrides).Bind(new Composer(catalog).Compose);

    public static Result<RunPlan> Compose(string json, params string[] overrides)
    {
        using var workspace = new TestWorkspace().Write(json);
        return workspace.Compose(overrides);
    }

    public void Dispose() => Repository.DeleteFolder(Folder);

    // Loading plugins for each of thousands of compositions would make the tests about the loader.
    // The first composition takes the plugins through their life, which belongs to one thread; afterwards composing changes none of them.
    private static readonly Lazy<PluginCatalog> SharedCatalog = new(() =>
    {
        var catalog = PluginCatalog.Discover([BuiltPlugins], new IsolatedPluginLoader());
        using var workspace = new TestWorkspace().Write(Valid);
        workspace.Compose(catalog).Value();
        return catalog;
    });
}
