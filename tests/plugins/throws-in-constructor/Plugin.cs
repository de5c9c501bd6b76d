using LeapAlign.Contracts.Plugins;

namespace TestPlugins.ThrowsInConstructor;

public sealed class Plugin : IPlugin
{
    public Plugin() => throw new InvalidOperationException("the constructor\nrefuses");

    public IReadOnlyList<PartDefinition> Parts => [];
}
