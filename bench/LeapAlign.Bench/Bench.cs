using System.Diagnostics;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>The default run of plugins.json in the working folder, made ready to be measured: the plugins as the host loads them.</summary>
internal sealed record Bench(RunPlan Plan, RunParts Parts, Device Device)
{
    /// <summary>Measures.</summary>
    /// <param name="overrides">Of plugins.json.</param>
    /// <param name="measure">What is measured.</param>
    /// <param name="device">As run.device has it.</param>
    /// <param name="output">Takes the line that says what figures depend on; the console when absent.</param>
    /// <param name="config">The configuration.</param>
    public static Result<Unit> With(IReadOnlyList<string> overrides, Action<Bench> measure, string device = "cpu", TextWriter? output = null, string config = "plugins.json")
    {
        var catalog = PluginCatalog.Discover([BuiltHost.Plugins], new IsolatedPluginLoader());
        var read = ConfigurationFile.Read(config, [.. overrides, $"run.device={device}"]);
        NativeStart.Prepare();
        WaitingThreads.Settle(read.Match<JsonSource?>(static file => file, static _ => null));
        return from file in read
               from plan in new Composer(catalog).Compose(file)
               from libtorch in LibTorch.Load()
               from there in DeviceChoice.Resolve(plan.Run.Device)
               from done in Run(plan, there, measure, output ?? Console.Out)
               select done;
    }

    /// <summary>The median of several runs, in seconds, after one that does not count.</summary>
    public static double Seconds(int runs, Action body)
    {
        body();
        return Median(Enumerable.Range(0, runs).Select(_ =>
        {
            var started = Stopwatch.GetTimestamp();
            body();
            return Stopwatch.GetElapsedTime(started).TotalSeconds;
        }));
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static Result<Unit> Run(RunPlan plan, Device device, Action<Bench> measure, TextWriter output)
    {
        var tuning = StartupTuning.Apply(plan.Run.Tuning, plan.Run.Threads, device.type);
        output.WriteLine($"threads {tuning.Threads}, float32 products {tuning.Precision}, allocator {(tuning.Allocator ? "tuned" : "as it is")}, network {plan.Run.Dtype}, batch {plan.Run.Batch}");
        // The parts are made as a run makes them.
        return RunSite.Open(plan, NullLoggerFactory.Instance, TextWriter.Null).Bind(site =>
        {
            using (site)
            {
                return RunParts.Create(plan, site.Context).Map(parts =>
                {
                    using (parts) measure(new Bench(plan, parts, device));
                    return Unit.Value;
                });
            }
        });
    }
}
