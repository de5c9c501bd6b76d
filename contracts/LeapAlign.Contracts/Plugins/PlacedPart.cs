using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Plugins;

/// <summary>Where a part, or a network of one, computes, and where its weights lie, as a word of plugins.json says it.</summary>
/// <param name="Device">Where it computes.</param>
/// <param name="OnHost">Whether its weights lie in the memory of the machine and come to the device for each use.</param>
public sealed record PlacedPart(Device Device, bool OnHost)
{
    /// <summary>On the device of the run.</summary>
    public const string Run = "run";

    /// <summary>On the device of the run, with weights in the memory of the machine.</summary>
    public const string Host = "host";

    /// <summary>The words for what may also be on another device, as a regular expression.</summary>
    public const string Words = "^(run|host|cpu|cuda(:[0-9]{1,4})?)$";

    /// <summary>What a word means in a run.</summary>
    /// <param name="word"><see cref="Run"/>, <see cref="Host"/>, or the name of a device.</param>
    /// <param name="context">Of the part.</param>
    /// <returns>LA1010 for a device that is not there.</returns>
    public static Result<PlacedPart> Of(string word, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return word is Run or Host ? new PlacedPart(context.Device, word == Host) : context.DeviceOf(word).Map(static device => new PlacedPart(device, false));
    }
}
