using System.Runtime.InteropServices;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Telemetry.Measures;

/// <summary>
/// The memory of a CUDA device as its driver tells it, of all processes together: TorchSharp shows no statistics of libtorch's own allocator. Nothing where the device is another, or libtorch
/// has no CUDA.
/// </summary>
internal static unsafe class DeviceMemory
{
    private static readonly Lazy<Calls?> s_calls = new(Find);

    /// <summary>What a device has; null where nobody can tell.</summary>
    public static DeviceRoom? Of(Device device)
    {
        if (device.type != DeviceType.CUDA) return null;
        SignalStack.Enter();
        return s_calls.Value is { } calls ? Read(calls, Math.Max(device.index, 0)) : null;
    }

    // The runtime answers for the device that is current on the thread; libtorch relies on it being the same afterwards.
    private static DeviceRoom? Read(Calls calls, int index)
    {
        int before;
        nuint free, total;
        if (calls.GetDevice(&before) != 0 || calls.SetDevice(index) != 0) return null;
        var told = calls.MemGetInfo(&free, &total) == 0;
        _ = calls.SetDevice(before);
        return told ? new DeviceRoom((long)free, (long)total) : null;
    }

    // The CUDA runtime has another name in each package of libtorch; but libtorch needs it, so that its names are found through libtorch.
    private static Calls? Find()
    {
        var cuda = LibTorch.Resolve(typeof(DeviceMemory).Assembly, "torch_cuda");
        return cuda != 0
            && NativeLibrary.TryGetExport(cuda, "cudaGetDevice", out var get)
            && NativeLibrary.TryGetExport(cuda, "cudaSetDevice", out var set)
            && NativeLibrary.TryGetExport(cuda, "cudaMemGetInfo", out var memory)
                ? new Calls((delegate* unmanaged<int*, int>)get, (delegate* unmanaged<int, int>)set, (delegate* unmanaged<nuint*, nuint*, int>)memory)
                : null;
    }

    private sealed class Calls(delegate* unmanaged<int*, int> get, delegate* unmanaged<int, int> set, delegate* unmanaged<nuint*, nuint*, int> memory)
    {
        public int GetDevice(int* device) => get(device);

        public int SetDevice(int device) => set(device);

        public int MemGetInfo(nuint* free, nuint* total) => memory(free, total);
    }
}

/// <summary>The memory of a device.</summary>
/// <param name="Free">Bytes that nobody has.</param>
/// <param name="Total">All bytes.</param>
internal readonly record struct DeviceRoom(long Free, long Total)
{
    /// <summary>Bytes that somebody has, on this device, this process or another.</summary>
    public long Used => Total - Free;
}
