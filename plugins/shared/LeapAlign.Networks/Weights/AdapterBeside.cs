using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Weights;

/// <summary>An adapter in the folder of a network of transformers: the library puts it on the network whenever it opens the folder, without being asked.</summary>
public static class AdapterBeside
{
    private const string Configuration = "adapter_config.json";

    /// <summary>The fault of a folder that has one.</summary>
    /// <param name="folder">The folder of the network.</param>
    /// <returns>Null when there is none.</returns>
    public static Fault? Refused(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var path = Path.Combine(folder, Configuration);
        return File.Exists(path)
            ? new Fault.Input(FaultCodes.UnsupportedAdapter, "transformers puts the adapter of this file on the network when it opens the folder, which is not done here; merge the adapter into the weights, or move its files out of the folder", new SourcePlace(path))
            : null;
    }
}
