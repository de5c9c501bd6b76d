using LeapAlign.Contracts.Plugins;

namespace TestPlugins.ThrowsInParts;

public sealed class Plugin : IPlugin
{
    public IReadOnlyList<PartDefinition> Parts => throw new NotSupportedException("no list today");
}
