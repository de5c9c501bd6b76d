namespace LeapAlign.Contracts.Plugins;

/// <summary>What a path names.</summary>
public enum PathKind
{
    /// <summary>A file.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,
}

/// <summary>Says that a setting is the path of something that has to be there, relative to plugins.json: <c>doctor</c> looks whether it can be read.</summary>
/// <param name="kind">What it names. A model is called by the last part of its folder in reports, and <c>generate --model</c> sets that folder.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class PathSettingAttribute(PathKind kind) : Attribute
{
    /// <summary>What it names.</summary>
    public PathKind Kind => kind;
}
