using System.Globalization;
using System.Runtime.InteropServices;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.OnDevice;

/// <summary>
/// What somebody with a device runs (eng/gpu-check): natives, the networks against what was recorded, a step of the default run against the CPU's numbers, and, where it is asked for, time
/// and memory of a model of published size.
/// </summary>
internal static class DeviceCheck
{
    // float32 sums of thousands of terms in another order; a step of TF32 or bf16 differs a hundred times as much.
    private const double Allowed = 1e-3;
    private const double Gigabyte = 1 << 30;

    /// <summary>Looks at everything and prints one table.</summary>
    /// <param name="name">The device, as run.device has it.</param>
    /// <param name="folder">A folder that <c>make</c> wrote; null for none.</param>
    /// <returns><see cref="FaultCodes.ReplayDiffers"/> when something is not as it should be.</returns>
    public static Result<Unit> Run(string name, string? folder)
    {
        NativeStart.Prepare();
        WaitingThreads.Settle(null);
        return from libtorch in LibTorch.Load()
               from device in DeviceChoice.Resolve(name)
               from done in Look(libtorch, device, folder)
               select done;
    }

    private static Result<Unit> Look(LibTorchFolder libtorch, Device device, string? folder)
    {
        var table = new CheckTable(Console.Out);
        table.Tell("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}");
        table.Judge("natives", MappedLibraries.Count("libtorch_cpu.so") is null or 1, $"libtorch {libtorch.Version} from {libtorch.Path}{(libtorch.IsNamed ? $" ({LibTorch.Variable})" : "")}");
        var tuned = StartupTuning.Apply(tuning: true, threads: 0, device.type);
        table.Tell("device", $"{device}{Room(device)}; {tuned.Threads} threads, float32 products {tuned.Precision}");
        table.Try("products", () => Products(table, device));
        Parity.Run(table, device);
        table.Try("default run", () => DefaultRun(table, device));
        if (folder is null) table.Tell("published size", "not asked for");
        else table.Try("published size", () => PublishedSize(table, device, folder));
        return table.Bad == 0 ? Unit.Value : new Fault.Run(FaultCodes.ReplayDiffers, $"{table.Bad} {(table.Bad == 1 ? "row is" : "rows are")} not as they should be");
    }

    // The error of a float32 product against double precision says whether TF32 (1e-3) or bf16 (1e-2) crept in.
    private static void Products(CheckTable table, Device device)
    {
        using var scope = NewDisposeScope();
        var numbers = arange(512 * 512, dtype: float64).reshape(512, 512);
        var (left, right) = (numbers.mul(0.37).sin().to(float32), numbers.mul(0.11).cos().to(float32));
        var exact = left.to(float64).matmul(right.to(float64));
        var error = (left.to(device).matmul(right.to(device)).cpu().to(float64) - exact).norm().div(exact.norm()).item<double>();
        table.Judge("float32 product", error < 1e-5, string.Create(CultureInfo.InvariantCulture, $"relative error {error:0.0e0}"));
    }

    private static void DefaultRun(CheckTable table, Device device)
    {
        string[] once = ["run.steps=1", "run.dtype=float32"];
        var (expected, actual) = (Stepped("cpu", once)[0], Stepped(device.ToString(), once)[0]);
        Compare(table, "loss", expected.Loss, actual.Loss);
        Compare(table, "gradient norm", expected.GradientNorm, actual.GradientNorm);
        foreach (var (reward, mean) in expected.Rewards) Compare(table, $"reward {reward}", mean, actual.Rewards[reward]);
        Time(table, "default run", device, Stepped(device.ToString(), ["run.steps=3"]));
    }

    private static void PublishedSize(CheckTable table, Device device, string folder)
    {
        Environment.CurrentDirectory = folder;
        Time(table, "published size", device, Stepped(device.ToString(), ["run.steps=2"]));
    }

    private static List<StepReport> Stepped(string device, string[] overrides)
    {
        var steps = new Steps();
        Bench.With([.. overrides, "evaluation.every=-1"], bench =>
        {
            using var kernel = new RunKernel(bench.Plan, bench.Parts, bench.Device, [steps]);
            kernel.Run(CancellationToken.None).Required();
        }, device, TextWriter.Null).Required();
        return steps.Reports;
    }

    private static void Compare(CheckTable table, string what, double expected, double actual)
    {
        var difference = Math.Abs(actual - expected) / Math.Max(Math.Abs(expected), 1e-12);
        table.Judge($"default run, first step in float32: {what}", difference <= Allowed, string.Create(CultureInfo.InvariantCulture, $"cpu {expected:G9}, device {actual:G9}, apart by {difference:0.0e0}"));
    }

    // The last one: the first has captions to encode and kernels to choose.
    private static void Time(CheckTable table, string what, Device device, List<StepReport> steps) => table.Tell($"{what}: a step", string.Create(
        CultureInfo.InvariantCulture, $"{steps[^1].Seconds:F2} s (the first {steps[0].Seconds:F2} s){Room(device)}; peak resident {ProcessMemory.PeakResident / Gigabyte:F2} GiB"));

    private static string Room(Device device) =>
        DeviceMemory.Of(device) is { } room ? string.Create(CultureInfo.InvariantCulture, $", {room.Used / Gigabyte:F2} of {room.Total / Gigabyte:F2} GiB of the device in use") : "";

    private sealed class Steps : IRunObserver
    {
        public List<StepReport> Reports { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            Reports.Add(report);
            return Unit.Value;
        }
    }
}
