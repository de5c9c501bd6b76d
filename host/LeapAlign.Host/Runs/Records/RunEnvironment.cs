using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs.Records;

/// <summary>Versions, machine and tuning of a run, for its record. It reads no variable and names no user, host or folder.</summary>
internal static class RunEnvironment
{
    /// <summary>The version of this program.</summary>
    public static string Program { get; } = typeof(RunEnvironment).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>The facts, in the order in which they are shown.</summary>
    public static IReadOnlyDictionary<string, string> Of(RunPlan plan, StartupTuning tuning, Device device)
    {
        var facts = new Dictionary<string, string>
        {
            ["LeapAlign"] = Program,
            [".NET"] = RuntimeInformation.FrameworkDescription,
            ["TorchSharp"] = typeof(torch).Assembly.GetName().Version!.ToString(3),
            ["libtorch"] = Natives(),
            ["system"] = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}",
            ["processor"] = Processor(),
            ["cores"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
            ["memory"] = string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):F1} GiB"),
            ["device"] = device.ToString(),
            ["tensor threads"] = tuning.Threads.ToString(CultureInfo.InvariantCulture),
            ["waiting threads"] = WaitingThreads.Words,
            ["AMX"] = NativeStart.Tiles(),
            ["float32 products"] = tuning.Precision,
            ["allocator"] = tuning.Allocator ? "keeps freed pages" : "as the system has it",
        };
        foreach (var plugin in plan.Plugins) facts[$"plugin {plugin.Id}"] = plugin.Manifest!.Version;
        return facts;
    }

    // A run that has come here has loaded it.
    private static string Natives() => LibTorch.Load().Match(static folder => $"{folder.Version}{(folder.IsNamed ? $", from the folder of {LibTorch.Variable}" : "")}", static fault => fault.Code);

    /// <summary>The name of the processor. Only Linux tells it in a file; elsewhere the architecture has to do.</summary>
    public static string Processor()
    {
        const string file = "/proc/cpuinfo";
        var line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
