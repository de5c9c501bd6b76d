using System.Security.Cryptography;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Pins;

/// <summary>Compares the plugins that are installed with the pins of plugins.json. Nothing is loaded.</summary>
internal static class Pinning
{
    /// <summary>The plugins whose pin is another, with the reason.</summary>
    /// <param name="source">plugins.json with its overrides.</param>
    /// <param name="catalog">The plugins.</param>
    public static IEnumerable<(PluginHandle Plugin, Fault Fault)> Differing(JsonSource source, PluginCatalog catalog)
    {
        foreach (var part in NamedPart.In(source.Root))
        {
            // A pin that is none, a part that nobody offers and a plugin that is faulted have faults of their own when the run is composed.
            if (part.Pin is not { Length: SHA256.HashSizeInBytes * 2 } pin || !pin.All(char.IsAsciiHexDigit) || !catalog.Locate(part.Kind, part.Id, source.Place(part.Key)).TryGet(out var plugin, out _)) continue;
            if (!plugin.CheckPin(pin, source.Place(part.PinKey)).TryGet(out _, out var fault)) yield return (plugin, fault);
        }
    }
}
