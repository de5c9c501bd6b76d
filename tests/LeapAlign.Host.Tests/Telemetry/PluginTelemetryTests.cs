using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Export.Files;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Host.Telemetry.Spans;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>Telemetry and the life of plugins: a plugin measures under its own name, and goes all the same.</summary>
[Collection(nameof(Listening))]
public sealed class PluginTelemetryTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid);

    [Fact]
    public void A_plugin_with_callbacks_and_spans_of_its_own_is_collected_and_unloaded()
    {
        foreach (var plugin in new[] { "parts", "measures" }) _workspace.Drop(plugin);
        var settings = new TelemetrySettings { File = true };
        var source = ConfigurationFile.Read(_workspace.Config, []).Value();
        using (var session = TelemetrySession.Start(source, settings, (ExportPlan.Of(settings, static _ => null), new OtelEnvironment([])), static fault => Assert.Fail(fault.Message), TimeProvider.System))
        {
            session.File.Open(_workspace.Folder);
            var catalog = _workspace.Catalog();
            Score(catalog);
            // A flush has a second, in which a busy machine may not come to metrics.
            Assert.True(SpinWait.SpinUntil(() =>
            {
                session.Flush();
                return File.ReadAllText(Path.Combine(_workspace.Folder, TelemetryFile.Name)).Contains("\"test.scored\"", StringComparison.Ordinal);
            }, TimeSpan.FromSeconds(60)));
            Assert.Empty(catalog.Unload());
        }
        var file = File.ReadAllText(Path.Combine(_workspace.Folder, TelemetryFile.Name));
        foreach (var words in new[] { "\"LeapAlign.Plugins.measures\"", "\"measuring\"", "\"test.scored\"", "\"asInt\":\"3\"", "\"leapalign.part.duration\"", "\"plugin.Unloaded\"" })
            Assert.Contains(words, file, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_measures_for_its_own_plugin_whatever_it_is_called()
    {
        // A reward with the name of the model, which another plugin offers.
        var plan = _workspace.Compose("algorithm=free", "rewards=[{\"id\":\"measures\",\"name\":\"canvas\"}]").Value();
        Assert.Equal(plan.Model.Name, plan.Rewards[0].Part.Name);
        using var loggers = new NullLoggerFactory();
        using var site = Host.Runs.RunSite.Open(plan, loggers, TextWriter.Null).Value();
        Assert.Equal("LeapAlign.Plugins.measures", site.Context(plan.Rewards[0].Part).Meter.Name);
        Assert.Equal("LeapAlign.Plugins.measures", site.Context(plan.Rewards[0].Part).Spans.Name);
        Assert.Equal("LeapAlign.Plugins.parts", site.Context(plan.Model).Meter.Name);
    }

    public void Dispose() => _workspace.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Score(PluginCatalog catalog)
    {
        var plan = _workspace.Compose(catalog, "algorithm=free", "rewards=[\"measures\"]").Value();
        var reward = plan.Rewards[0];
        var telemetry = reward.Part.Plugin!.Telemetry;
        var part = reward.Part.Create<IReward>(new PartContext
        {
            Name = "measures",
            BaseFolder = _workspace.Folder,
            Device = torch.CPU,
            ComputeType = torch.float32,
            Logger = NullLogger.Instance,
            Warn = static _ => { },
            Spans = telemetry.Spans,
            Meter = telemetry.Meter,
        }).Value();
        var stages = new OpenStages();
        stages.Add(new KernelSpans(plan));
        using var scope = torch.NewDisposeScope();
        for (var time = 0; time < 3; time++) stages.Run(Stage.Score(reward), _ => part.Score(torch.zeros(1, 3, 2, 2), []));
    }
}

/// <summary>Tests that listen, or that assert that nobody does.</summary>
[CollectionDefinition(nameof(Listening), DisableParallelization = true)]
public sealed class Listening;
