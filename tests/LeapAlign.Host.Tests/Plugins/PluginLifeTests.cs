using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace LeapAlign.Host.Tests.Plugins;

/// <summary>Loading, isolation, unloading, and plugins that throw on the way.</summary>
public sealed class PluginLifeTests
{
    [Fact]
    public void A_plugin_passes_through_every_state()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var catalog = workspace.Catalog();
        var plugin = Assert.Single(catalog.Plugins);
        Assert.Equal(PluginState.Verified, plugin.State);
        Live(workspace, catalog, plugin);
        Assert.Empty(catalog.Unload());
        Assert.Equal(PluginState.Unloaded, plugin.State);
        Assert.True(plugin.IsCollected);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Live(TestWorkspace workspace, PluginCatalog catalog, PluginHandle plugin)
    {
        var plan = workspace.Compose(catalog).Value();
        Assert.Equal(PluginState.Composed, plugin.State);
        plan.WhileRunning<Unit>(() =>
        {
            Assert.Equal(PluginState.Running, plugin.State);
            Assert.IsType<IDifferentiableReward>(plan.Rewards[0].Part.Create<IReward>(Context("smooth")).Value(), exactMatch: false);
            return Unit.Value;
        }).Value();
        Assert.Equal(PluginState.Stopped, plugin.State);
    }

    [Fact]
    public void A_step_out_of_order_is_a_mistake_of_the_program()
    {
        using var workspace = new TestWorkspace();
        workspace.Drop("parts");
        var plugin = Assert.Single(workspace.Catalog().Plugins);
        Assert.Throws<InvalidOperationException>(() => plugin.Configure());
        Assert.Throws<InvalidOperationException>(() => plugin.Run());
    }

    [Theory]
    [InlineData("throws-in-constructor", "its constructor", "InvalidOperationException: the constructor refuses")]
    [InlineData("throws-in-parts", "Parts", "NotSupportedException: no list today")]
    public void A_plugin_that_throws_is_faulted_and_unloads(string name, string step, string words)
    {
        using var workspace = new TestWorkspace();
        workspace.Drop(name);
        var catalog = workspace.Catalog();
        var plugin = Assert.Single(catalog.Plugins);
        PluginCatalog.Prepare(plugin).Fault(FaultCodes.PluginThrew, $"plugin '{name}' threw in {step}", words);
        Assert.Equal(PluginState.Faulted, plugin.State);
        Assert.Empty(catalog.Unload());
        Assert.Equal(PluginState.Faulted, plugin.State);
    }

    [Theory]
    [InlineData("throws-in-create", FaultCodes.PluginThrew, "plugin 'parts' threw in making the algorithm 'throws-in-create': InvalidOperationException: cannot be made")]
    [InlineData("fails-in-create", FaultCodes.ModelNotFound, "the folder is absent")]
    public void A_part_that_cannot_be_made_is_a_fault(string algorithm, string code, string words)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var plan = workspace.Compose(workspace.Catalog(), $"algorithm={algorithm}").Value();
        plan.Algorithm.Create<object>(Context(algorithm)).Fault(code, words);
        // A part that says why it cannot be made is in order; one that throws is not.
        Assert.Equal(code == FaultCodes.PluginThrew ? PluginState.Faulted : PluginState.Composed, plan.Algorithm.Plugin!.State);
    }

    [Fact]
    public void Parts_that_are_not_those_of_the_manifest_are_a_fault()
    {
        using var workspace = new TestWorkspace();
        var manifest = Path.Combine(workspace.Drop("speaks-1"), "plugin.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"id\": \"speaks-1\" }", "\"id\": \"sings\" }", StringComparison.Ordinal));
        PluginCatalog.Prepare(Assert.Single(workspace.Catalog().Plugins)).Fault(FaultCodes.BadManifest, "reward 'sings'", "reward 'speaks-1'");
    }

    [Fact]
    public void Two_plugins_carry_different_versions_of_one_private_library()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        foreach (var name in new[] { "parts", "speaks-1", "speaks-2" }) workspace.Drop(name);
        var catalog = workspace.Catalog();
        Assert.Equal(["version 1", "version 2"], Speak(workspace, catalog));
        Assert.Empty(catalog.Unload());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string[] Speak(TestWorkspace workspace, PluginCatalog catalog)
    {
        var plan = workspace.Compose(catalog, "algorithm=free", "rewards=[\"speaks-1\",\"speaks-2\"]").Value();
        return [.. plan.Rewards.Select(reward => reward.Part.Create<IReward>(Context(reward.Part.Name)).Value().ToString()!)];
    }

    [Fact]
    public void The_types_of_the_contracts_and_of_tensors_are_the_hosts()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var catalog = workspace.Catalog();
        Assert.Equal([0.5f, 0.5f], Score(workspace, catalog));
        Assert.Empty(catalog.Unload());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float[] Score(TestWorkspace workspace, PluginCatalog catalog)
    {
        var reward = workspace.Compose(catalog).Value().Rewards[0].Part.Create<IReward>(Context("smooth")).Value();
        using var scope = torch.NewDisposeScope();
        using var images = torch.full([2, 3, 4, 4], 0.5, dtype: torch.float32).requires_grad_();
        var score = reward.Score(images, []);
        score.sum().backward();
        Assert.NotNull(images.grad);
        return score.detach().data<float>().ToArray();
    }

    [Fact]
    public void A_plugin_that_clings_to_the_process_is_warned_about()
    {
        using var workspace = new TestWorkspace();
        workspace.Drop("clinging");
        workspace.Drop("speaks-1");
        var catalog = workspace.Catalog();
        foreach (var plugin in catalog.Plugins) PluginCatalog.Prepare(plugin).Value();
        var fault = Assert.Single(catalog.Unload());
        Assert.Equal(FaultCodes.NotUnloaded, fault.Code);
        Assert.Contains("'clinging'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_lives_leave_nothing_behind()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        for (var life = 0; life < 25; life++)
        {
            var catalog = workspace.Catalog();
            Resolve(workspace, catalog);
            Assert.Empty(catalog.Unload());
        }
    }

    // Everything that looks at settings: schema, reading, writing.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Resolve(TestWorkspace workspace, PluginCatalog catalog)
    {
        Assert.NotEmpty(workspace.Compose(catalog, "rewards.smooth.settings.channels.red=1", "algorithm=policy", "sampler=sde").Value().ResolvedJson);
        Assert.NotEmpty(LeapAlign.Host.Configuration.Schema.EditorSchema.Of(catalog.Plugins));
    }

    private static PartContext Context(string name) => new()
    {
        Name = name,
        BaseFolder = AppContext.BaseDirectory,
        Device = torch.CPU,
        ComputeType = torch.float32,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    };
}
