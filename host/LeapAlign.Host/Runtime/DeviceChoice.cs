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
    /// <returns>The device, or LA1010 when it is not in this machine.</returns>
    public static Result<Device> Resolve(string name, SourcePlace? place = null) => name switch
    {
        "cpu" => CPU,
        "auto" => cuda.is_available() ? new Device(DeviceType.CUDA, 0) : CPU,
        _ => Cuda(name, place),
    };

    private static Result<Device> Cuda(string name, SourcePlace? place)
    {
        var index = name.IndexOf(':', StringComparison.Ordinal) is var colon and > 0 ? int.Parse(name.AsSpan(colon + 1), provider: null) : 0;
        var count = cuda.is_available() ? cuda.device_count() : 0;
        if (index < count) return new Device(DeviceType.CUDA, index);
        var there = count == 0 ? "this machine has no CUDA device, or this build has no CUDA libraries" : $"this machine has {count}, the first being cuda:0";
        return new Fault.Configuration(FaultCodes.DeviceNotAvailable, $"the device '{name}' is not there: {there}", place);
    }
}
