using System.Runtime.CompilerServices;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Plugins;
using Spectre.Console;

namespace LeapAlign.Host.Tests.Commands;

public sealed class WorkspaceTests
{
    [Fact]
    public void A_command_reads_plugins_json_once_and_unloads_its_plugins()
    {
        using var files = new TestWorkspace().Write(TestWorkspace.Valid);
        using var error = new StringWriter();
        var workspaces = new Workspaces(new IsolatedPluginLoader(), new BundledPlugins(TestWorkspace.BuiltPlugins), new Terminal(AnsiConsole.Create(new()), error));
        var workspace = workspaces.Open(new CompositionSource(files.Config, [], "validate"));
        File.WriteAllText(files.Config, "{ what was changed after it was read");
        Assert.True(Composes(workspace));
        Assert.True(Composes(workspace));
        Assert.Contains(workspace.Catalog.Plugins, static plugin => plugin.State is not (PluginState.Verified or PluginState.Faulted));
        workspace.Dispose();
        Assert.DoesNotContain(workspace.Catalog.Plugins, static plugin => plugin.State is not (PluginState.Unloaded or PluginState.Verified or PluginState.Faulted));
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Composes(Workspace workspace) => workspace.Compose().IsOk;
}
