using System.Runtime.CompilerServices;
using System.Text.Json;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Plugins;

/// <summary>The plugins that come with the host, as they were built.</summary>
public sealed class BundledPluginTests
{
    private static readonly string s_plugins = Path.Combine(TestWorkspace.HostFolder, "plugins");

    private static PluginCatalog Catalog() => PluginCatalog.Discover([s_plugins], new IsolatedPluginLoader());

    [Fact]
    public void Every_plugin_is_in_order()
    {
        var catalog = Catalog();
        Assert.NotEmpty(catalog.Plugins);
        foreach (var plugin in catalog.Plugins) PluginCatalog.Prepare(plugin).Value();
        Assert.Empty(catalog.Unload());
    }

    [Fact]
    public void Every_project_of_a_plugin_is_bundled()
    {
        var projects = Directory.EnumerateFiles(Path.Combine(Repository.Root, "plugins"), "*.csproj", SearchOption.AllDirectories)
            .Select(project => Path.GetFileName(Path.GetDirectoryName(project)!))
            .Where(static name => name is not ("LeapAlign.Networks" or "LeapAlign.Pipelines" or "LeapAlign.Adapters" or "LeapAlign.Methods" or "LeapAlign.Shapes" or "LeapAlign.PromptFiles" or "LeapAlign.Optimization" or "LeapAlign.Services"));
        Assert.Equal(projects.Order(StringComparer.Ordinal), Catalog().Plugins.Select(plugin => plugin.Id));
    }

    [Fact]
    public void Every_setting_has_a_meaning_a_default_that_is_allowed_and_a_summary()
    {
        foreach (var plugin in Catalog().Plugins)
        {
            PluginCatalog.Prepare(plugin).Value();
            foreach (var part in plugin.Manifest!.Parts)
            {
                Assert.NotEmpty(part.Summary);
                var schema = SettingsSchema.Of(plugin.Part(part.Kind, part.Id).Settings);
                var required = schema["required"]?.AsArray().Select(name => name!.GetValue<string>()).ToArray() ?? [];
                foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
                {
                    Assert.True(property!["description"] is not null, $"{part.Id}.{name} has no description");
                    if (required.Contains(name)) continue;
                    Assert.True(property.AsObject().ContainsKey("default"), $"{part.Id}.{name} has no default");
                    var source = JsonSource.Parse("default", JsonSerializer.SerializeToUtf8Bytes(new System.Text.Json.Nodes.JsonObject { [name] = property["default"]?.DeepClone() })).Value();
                    Assert.Null(SchemaCheck.First(source.Root[name], property.AsObject(), name, source));
                }
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_default_run_and_the_starter_compose_and_everything_unloads(bool starter)
    {
        var catalog = Catalog();
        Compose(catalog, starter);
        Assert.Empty(catalog.Unload());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Compose(PluginCatalog catalog, bool starter)
    {
        using var workspace = new TestWorkspace().Write(starter ? InitVerb.Starter : File.ReadAllText(Path.Combine(Repository.Root, "plugins.json")));
        Assert.NotEmpty(workspace.Compose(catalog).Value().ResolvedJson);
    }
}
