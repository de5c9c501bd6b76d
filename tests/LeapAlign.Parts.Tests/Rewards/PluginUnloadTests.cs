using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Ocr.Tests;
using LeapAlign.Rewards.Remote.Tests;
using LeapAlign.Rewards.VlmJudge.Tests;
using McMaster.NETCore.Plugins;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Tests;

/// <summary>Plugins that talk to services and programs, in a load context of their own, as the host loads them.</summary>
public sealed class PluginUnloadTests
{
    [Theory]
    [InlineData("Answer: 10", false)]
    [InlineData("?", true)]
    public async Task Nothing_of_a_judge_stays_in_memory(string reply, bool fails)
    {
        await using var server = await JudgeCase.Service(reply);
        using var judge = new JudgeCase();
        var context = Use("VlmJudge", $$"""{ "url": "{{server.Url}}", "model": "m", "rubric": "{{judge.Folder}}/rubric.txt", "cache": "{{judge.Cache}}" }""", fails);
        Assert.NotEqual(0, server.Requests);
        await Collected(context);
    }

    [Theory]
    [InlineData("cat > /dev/null; echo OPEN", false)]
    [InlineData("exit 1", true)]
    public async Task Nothing_of_a_reader_stays_in_memory(string script, bool fails)
    {
        using var program = new Program(script);
        await Collected(Use("Ocr", $$"""{ "command": ["{{program.Path}}"] }""", fails));
    }

    private static async Task Collected(WeakReference context)
    {
        for (var attempt = 0; context.IsAlive && attempt < 50; attempt++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        Assert.False(context.IsAlive, "the load context was not collected");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Use(string name, string settings, bool fails)
    {
        var built = Path.Combine(Path.GetDirectoryName(typeof(PluginUnloadTests).Assembly.Location)!, "..", "..", $"LeapAlign.Rewards.{name}", Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)));
        using var loader = PluginLoader.CreateFromAssemblyFile(
            Path.GetFullPath(Path.Combine(built, $"LeapAlign.Rewards.{name}.dll")), isUnloadable: true, sharedTypes: [typeof(IPlugin), typeof(Fault), typeof(Tensor), typeof(ILogger)]);
        var plugin = (IPlugin)Activator.CreateInstance(loader.LoadDefaultAssembly().GetExportedTypes().Single(typeof(IPlugin).IsAssignableFrom))!;
        var part = plugin.Parts[0];
        var reward = (IReward)part.Create(part.ReadSettings(settings), RemoteCase.Context()).Match(static made => made, static fault => throw new FaultException(fault));
        using (var scope = NewDisposeScope())
        {
            var pictures = RemoteCase.Greys(2);
            if (fails) Assert.Throws<FaultException>(() => reward.Score(pictures, ReaderCase.Captions("a sign \"OPEN\"", "a sign \"SHUT\"")));
            else Assert.Equal([2], reward.Score(pictures, ReaderCase.Captions("a sign \"OPEN\"", "a sign \"SHUT\"")).shape);
        }
        ((IDisposable)reward).Dispose();
        return new WeakReference(loader.LoadContext);
    }
}
