using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Stages;

/// <summary>
/// Waits at the borders of stages for what a device still has to do: it computes while the host goes on, so that a clock would show how long it took to ask. Only profiles pay for that.
/// </summary>
/// <param name="wait">Returns when the device is idle.</param>
internal sealed class QueuedWork(Action wait) : IStageListener
{
    /// <summary>The one of a device; null for a CPU, which has done what it was asked when the call returns.</summary>
    public static QueuedWork? Of(Device device) => device.type == DeviceType.CUDA ? new(() => cuda.synchronize(device)) : null;

    public void Entered(in Stage stage) => wait();

    public void Left(in Stage? outer) => wait();
}
