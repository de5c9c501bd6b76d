using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runtime;

/// <summary>The device that <c>run.device</c> names.</summary>
internal static class DeviceChoice
{
    /// <summary>Resolves <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</summary>
    /// <param name="name">What the settings say; any other word was refused with them.</param>
    /// <param name="place">Where they say it.</param>
    /// <returns>The device, or LA1010 when it is not in this machine, LA5024 when there is no libtorch to ask.</returns>
    public static Result<Device> Resolve(string name, SourcePlace? place = null) => name == "cpu"
        ? CPU
        : LibTorch.Load().Bind(_ => name == "auto" ? Result.Ok(cuda.is_available() ? new Device(DeviceType.CUDA, 0) : CPU) : Cuda(name, place));

    /// <summary>Whether the system has the driver of an NVIDIA device, whatever libtorch can use.</summary>
    public static bool MachineHasNvidia => File.Exists("/proc/driver/nvidia/version") || File.Exists("/dev/nvidiactl");

    /// <summary>A device that <c>auto</c> passes over because libtorch or the driver cannot use it.</summary>
    /// <param name="name">What the settings say.</param>
    /// <param name="taken">What was resolved.</param>
    /// <param name="nvidia">Whether the machine has an NVIDIA device.</param>
    /// <param name="place">Where the settings say it.</param>
    /// <returns>A warning, or null.</returns>
    public static Fault? Overlooked(string name, Device taken, bool nvidia, SourcePlace? place = null) => name == "auto" && taken.type == DeviceType.CPU && nvidia
        ? new Fault.Configuration(FaultCodes.DeviceNotAvailable, "this machine has an NVIDIA device, but libtorch has no CUDA libraries or they do not fit its driver: 'auto' takes the CPU; run.device = \"cpu\" says so without a warning", place)
        : null;

    private static Result<Device> Cuda(string name, SourcePlace? place)
    {
        var index = name.IndexOf(':', StringComparison.Ordinal) is var colon and > 0 ? int.Parse(name.AsSpan(colon + 1), provider: null) : 0;
        var count = cuda.is_available() ? cuda.device_count() : 0;
        if (index < count) return new Device(DeviceType.CUDA, index);
        var there = count == 0 ? $"this machine has no CUDA device, or libtorch has no CUDA libraries ({LibTorch.Variable} names another)" : $"this machine has {count}, the first being cuda:0";
        return new Fault.Configuration(FaultCodes.DeviceNotAvailable, $"the device '{name}' is not there: {there}", place);
    }
}
