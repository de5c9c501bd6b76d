using System.Runtime.InteropServices;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runtime;

/// <summary>
/// What is set before the first tensor. The memory allocator keeps freed pages instead of giving them back to the system, because a page fault costs
/// about as much as the arithmetic on a page; float32 products may take oneDNN kernels where these are exact to float32 rounding. Whatever is not there
/// (another C library, another libtorch) is left alone. <c>run.tuning = false</c> or <c>LEAPALIGN_TUNING=0</c> turn it off.
/// </summary>
internal sealed unsafe class StartupTuning
{
    private const string SetMatmulPrecision =
        "_ZN2at7Context25setFloat32MatmulPrecisionERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";

    private const string GlobalContext = "_ZN2at13globalContextEv";

    private StartupTuning(bool allocator, string precision, int threads) => (Allocator, Precision, Threads) = (allocator, precision, threads);

    /// <summary>Whether the allocator keeps freed pages.</summary>
    public bool Allocator { get; }

    /// <summary>The mode of float32 matrix products: <c>medium</c> when tuned, <c>highest</c> otherwise.</summary>
    public string Precision { get; }

    /// <summary>The threads of tensor operations.</summary>
    public int Threads { get; }

    /// <summary>
    /// Threads of tensor operations unless <c>run.threads</c> says otherwise: the processors that this process may use, shared with the other processes that a launcher started on this
    /// machine. <c>DOTNET_PROCESSOR_COUNT</c> may say fewer.
    /// </summary>
    public static int DefaultThreads => ThreadsFor(Math.Min(Environment.ProcessorCount, Processors.Here.Threads), Processors.IsBound ? null : Launcher.Here);

    /// <summary>The threads of one process.</summary>
    /// <param name="processors">The processors that it may use.</param>
    /// <param name="launcher">What started it beside others on the same processors; null for none.</param>
    public static int ThreadsFor(int processors, Launcher? launcher) => Math.Max(1, processors / Math.Max(1, launcher?.LocalWorld ?? 1));

    /// <summary>Whether the environment allows tuning.</summary>
    public static bool IsAllowed => Environment.GetEnvironmentVariable("LEAPALIGN_TUNING") is not ("0" or "false" or "off");

    /// <summary>Tunes this process. Call it before the first tensor, once.</summary>
    /// <param name="tuning"><c>run.tuning</c>.</param>
    /// <param name="threads"><c>run.threads</c>; 0 takes one for each processor that this process may use.</param>
    /// <param name="device">Where the run computes. The mode of float32 products is one for all devices, and on CUDA a lower one is TF32, which errs by a thousandth.</param>
    public static StartupTuning Apply(bool tuning, int threads, DeviceType device)
    {
        SignalStack.Enter();
        var tune = tuning && IsAllowed;
        var allocator = tune && TuneAllocator();
        InitializeDeviceType(DeviceType.CPU);
        var wanted = threads > 0 ? threads : DefaultThreads;
        if (get_num_threads() != wanted) set_num_threads(wanted);
        var precision = Lowers(tune, device) ? TunePrecision() : device == DeviceType.CPU ? "highest" : Exact();
        return new(allocator, precision, get_num_threads());
    }

    /// <summary>Whether the mode of float32 products may be a lower one.</summary>
    public static bool Lowers(bool tune, DeviceType device) => tune && device == DeviceType.CPU;

    // Whatever was set before, and whether or not the process is tuned: scores and the guard's numbers are float32.
    private static string Exact()
    {
        TrySetPrecision("highest");
        backends.cudnn.allow_tf32 = false;
        return "highest";
    }

    // Arenas per thread, mmap for large blocks, trimming and small steps of growth all end in fresh pages.
    private static bool TuneAllocator()
    {
        const int trimThreshold = -1, topPad = -2, mmapMax = -4, arenaMax = -8;
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out var library)) return false;
        if (!NativeLibrary.TryGetExport(library, "mallopt", out var symbol)) return false;
        var mallopt = (delegate* unmanaged<int, int, int>)symbol;
        return (mallopt(arenaMax, 1) & mallopt(mmapMax, 0) & mallopt(trimThreshold, int.MaxValue) & mallopt(topPad, 64 << 20)) == 1;
    }

    // "medium" permits bfloat16 inside float32 products; on CPUs whose kernels make use of that, it is taken back.
    private static string TunePrecision()
    {
        if (!TrySetPrecision("medium")) return "highest";
        if (MatmulError() <= 2e-6) return "medium";
        TrySetPrecision("highest");
        return "highest";
    }

    /// <summary>The error of a float32 matrix product relative to double precision, in the Frobenius norm; about 3e-7 where nothing is lost.</summary>
    public static double MatmulError()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var count = arange(256 * 256, dtype: float64).reshape(256, 256);
        var left = count.mul(0.37).sin();
        var right = count.mul(0.11).cos();
        var exact = left.to(float32).to(float64).matmul(right.to(float32).to(float64));
        var single = left.to(float32).matmul(right.to(float32)).to(float64);
        return (single - exact).norm().div(exact.norm()).item<double>();
    }

    private static bool TrySetPrecision(string mode)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return false;
        var library = LibTorch.Resolve(typeof(StartupTuning).Assembly, "libtorch_cpu.so");
        if (!NativeLibrary.TryGetExport(library, GlobalContext, out var context) || !NativeLibrary.TryGetExport(library, SetMatmulPrecision, out var set)) return false;

        // A std::string of the C++11 ABI holding a short word: pointer to itself + 16, length, characters.
        var word = stackalloc byte[32];
        new Span<byte>(word, 32).Clear();
        *(nint*)word = (nint)(word + 16);
        *(long*)(word + 8) = mode.Length;
        for (var index = 0; index < mode.Length; index++) word[16 + index] = (byte)mode[index];
        ((delegate* unmanaged<nint, nint, void>)set)(((delegate* unmanaged<nint>)context)(), (nint)word);
        return true;
    }
}
