using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>Where a network computes, and where its frozen weights lie while they are not used.</summary>
/// <param name="Device">Where it computes.</param>
/// <param name="OnHost">
/// Whether weights lie in the memory of the machine, in their files where these hold them in the precision that was asked for, and come to the device one layer at a time, for each use anew. A graph keeps no
/// product's weight: the backward brings it again. On the CPU that is what mapped weights do anyway.
/// </param>
public sealed record WeightHome(Device Device, bool OnHost = false)
{
    /// <summary>Whether a use of a weight copies it.</summary>
    public bool Copies { get; internal init; } = OnHost && Device.type != DeviceType.CPU;

    /// <summary>Whether tensors over files can be computed with, or copied from.</summary>
    public bool TakesFiles => Copies || Device.type == DeviceType.CPU;

    /// <summary>Where weights are stored.</summary>
    public Device Stored => Copies ? CPU : Device;

    /// <summary>Weights lie where the network computes.</summary>
    public static implicit operator WeightHome(Device device) => FromDevice(device);

    /// <summary>Weights lie where the network computes.</summary>
    public static WeightHome FromDevice(Device device) => new(device);
}
