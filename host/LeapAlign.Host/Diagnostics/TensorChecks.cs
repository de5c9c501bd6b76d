using System.Globalization;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Diagnostics;

/// <summary>Whether tensors can be computed with on this machine, and how.</summary>
internal static class TensorChecks
{
    private const double Gigabyte = 1 << 30;
    private const string LibTorchFile = "libtorch_cpu.so";

    /// <summary>Loads the natives, computes, and says how the process is tuned.</summary>
    /// <param name="tuning"><c>run.tuning</c>.</param>
    /// <param name="threads"><c>run.threads</c>.</param>
    /// <param name="device"><c>run.device</c>.</param>
    public static IEnumerable<Finding> Run(bool tuning, int threads, string device)
    {
        if (!LibTorch.Load().TryGet(out var libtorch, out var unfit))
        {
            yield return new("natives", false, unfit.ToString());
            yield break;
        }
        StartupTuning? tuned = null;
        var natives = Finding.Of("natives", () =>
        {
            tuned = StartupTuning.Apply(tuning, threads, DeviceChoice.Resolve(device).Match(static there => there.type, static _ => DeviceType.CPU));
            return $"libtorch {libtorch.Version} from {libtorch.Path}{(libtorch.IsNamed ? $", as {LibTorch.Variable} says" : "")}; TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)} with its wrapper from {LibTorch.Natives}";
        });
        yield return natives;
        if (MappedLibraries.Count(LibTorchFile) is { } mapped) yield return new("libtorch in memory", mapped == 1, $"{mapped} of {LibTorchFile}, of which there has to be one");
        if (tuned is null) yield break;

        yield return Finding.Of("gradient", Gradient);
        yield return new("threads", true, $"{tuned.Threads} for tensor operations, {(threads > 0 ? "as run.threads says" : "one for each processor that this process may use")}; processors: {Processors.Here}");
        yield return new("waiting threads", true, WaitingThreads.Words);
        var stacks = NativeStart.Stacks();
        yield return new("AMX", true, NativeStart.Tiles());
        yield return new("stack for signals", stacks.IsWell, stacks.Words);
        yield return new("allocator", true, tuned.Allocator ? "keeps freed pages" : Untuned(tuning, "as the system has it"));
        yield return Finding.Of("float32 products", () => string.Create(
            CultureInfo.InvariantCulture,
            $"precision {tuned.Precision}, relative error {StartupTuning.MatmulError():0.0e0}{(tuned.Precision == "highest" ? $" ({Untuned(tuning, "medium is less exact here, TF32 on a GPU, or not to be had")})" : "")}"));
        yield return Finding.Of("bfloat16", BFloat16);
        yield return Finding.Of("devices", () => string.Join(", ", Enumerable.Range(0, cuda.is_available() ? cuda.device_count() : 0).Select(Cuda).Prepend("cpu")));
    }

    private static string Cuda(int index) =>
        $"cuda:{index}{(DeviceMemory.Of(new Device(DeviceType.CUDA, index)) is { } room ? string.Create(CultureInfo.InvariantCulture, $" with {room.Free / Gigabyte:F1} of {room.Total / Gigabyte:F1} GB free") : "")}";

    private static string Untuned(bool tuning, string otherwise) =>
        !tuning ? "run.tuning is false" : !StartupTuning.IsAllowed ? "LEAPALIGN_TUNING is off" : otherwise;

    // d/dx Σ x² = 2x: forward, backward and reading back in one.
    private static string Gradient()
    {
        using var scope = NewDisposeScope();
        var x = arange(4, dtype: float32).requires_grad_();
        x.square().sum().backward();
        var gradient = x.grad!.data<float>().ToArray();
        if (!gradient.SequenceEqual([0f, 2f, 4f, 6f])) throw new ArithmeticException($"the gradient of the sum of squares of 0 to 3 is {string.Join(", ", gradient)}");
        return "forward and backward are right";
    }

    private static string BFloat16()
    {
        using var scope = NewDisposeScope();
        var product = ones(8, 8, dtype: bfloat16).matmul(ones(8, 8, dtype: bfloat16)).sum().to(float32).item<float>();
        if (product != 512) throw new ArithmeticException($"8x8 ones times 8x8 ones sum to {product}, not 512");
        return "matrix products are right";
    }
}
