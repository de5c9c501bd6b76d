namespace LeapAlign.Host.Plugins;

/// <summary>The life of a plugin, in this order. From every state it can go to <see cref="Faulted"/>.</summary>
internal enum PluginState
{
    /// <summary>Its folder and manifest were found.</summary>
    Discovered,

    /// <summary>Its assembly and everything it refers to fit this host; nothing was loaded.</summary>
    Verified,

    /// <summary>Its assembly is in a load context of its own and its plugin object was made.</summary>
    Loaded,

    /// <summary>Its parts are known and are those of the manifest.</summary>
    Configured,

    /// <summary>A run uses it.</summary>
    Composed,

    /// <summary>The run has begun.</summary>
    Running,

    /// <summary>The run has ended.</summary>
    Stopped,

    /// <summary>Its load context was given up.</summary>
    Unloaded,

    /// <summary>A step failed. A run that needs the plugin cannot begin.</summary>
    Faulted,
}
