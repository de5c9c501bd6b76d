using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using McMaster.NETCore.Plugins;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>The plugin in a load context of its own, as the host loads it.</summary>
public sealed class UnloadTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_stays_in_memory_after_scores_retries_and_faults(bool succeeds)
    {
        await using var server = await ScriptedServer.Start((context, number) =>
        {
            if (succeeds && number > 1) return ScriptedServer.Sample(context);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        var context = Use(server.Url, succeeds);
        Assert.Equal(succeeds ? 2 : 4, server.Requests);
        for (var attempt = 0; context.IsAlive && attempt < 50; attempt++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        Assert.False(context.IsAlive, "the load context was not collected");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Use(string url, bool succeeds)
    {
        var assembly = Path.Combine(Path.GetDirectoryName(typeof(UnloadTests).Assembly.Location)!, "..", "..", "LeapAlign.Rewards.Remote", Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)), "LeapAlign.Rewards.Remote.dll");
        using var loader = PluginLoader.CreateFromAssemblyFile(
            Path.GetFullPath(assembly), isUnloadable: true, sharedTypes: [typeof(IPlugin), typeof(Fault), typeof(Tensor), typeof(ILogger)]);
        var plugin = (IPlugin)Activator.CreateInstance(loader.LoadDefaultAssembly().GetExportedTypes().Single(typeof(IPlugin).IsAssignableFrom))!;
        Assert.NotSame(typeof(RemotePlugin), plugin.GetType());
        var part = plugin.Parts[0];
        var reward = (IReward)part.Create(part.ReadSettings($$"""{ "url": "{{url}}", "backoff": 0.001 }"""), RemoteCase.Context()).Match(static made => made, static fault => throw new FaultException(fault));
        using (var scope = NewDisposeScope())
        {
            try
            {
                Assert.Equal([2], reward.Score(RemoteCase.Greys(2), RemoteCase.Captions(2)).shape);
                Assert.True(succeeds);
            }
            catch (FaultException)
            {
                Assert.False(succeeds);
            }
        }
        ((IDisposable)reward).Dispose();
        return new WeakReference(loader.LoadContext);
    }
}
