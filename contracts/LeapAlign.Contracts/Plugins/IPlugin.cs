namespace LeapAlign.Contracts.Plugins;

/// <summary>
/// The entry of a plugin assembly: exactly one public class with a parameterless constructor implements it. It only describes what the plugin offers;
/// parts are made when a run begins.
/// </summary>
public interface IPlugin
{
    /// <summary>The parts this plugin offers, the same as its plugin.json lists.</summary>
    IReadOnlyList<PartDefinition> Parts { get; }
}
