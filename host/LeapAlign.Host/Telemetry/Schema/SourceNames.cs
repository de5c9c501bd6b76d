namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>The names of ActivitySources and Meters: one for the kernel, one for the life of plugins, one for each plugin.</summary>
internal static class SourceNames
{
    /// <summary>The run loop.</summary>
    public const string Kernel = "LeapAlign.Kernel";

    /// <summary>The life of plugins.</summary>
    public const string Life = "LeapAlign.Plugins";

    /// <summary>Every source and meter.</summary>
    public const string All = "LeapAlign.*";

    /// <summary>The meter of the .NET runtime: collections, pauses, heap, threads, exceptions.</summary>
    public const string Runtime = "System.Runtime";

    /// <summary>How the schema writes <see cref="OfPlugin"/>, by the kind of part that the plugin offers.</summary>
    public static string Of(string kind) => $"LeapAlign.Plugins.<{kind}>";

    /// <summary>The source and meter of a plugin.</summary>
    public static string OfPlugin(string id) => $"LeapAlign.Plugins.{id}";
}
