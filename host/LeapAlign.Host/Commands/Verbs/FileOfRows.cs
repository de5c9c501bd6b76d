using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>A prompt source that reads a file of rows, found as any part is: among the plugins that are there.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Key">The setting that names the file.</param>
internal sealed record FileOfRows(string Id, string Key)
{
    /// <summary>Pictures with captions, and scores where rows have them.</summary>
    public static FileOfRows Pictures { get; } = new("captioned-pictures", "captions");

    /// <summary>Captions with a preferred and a rejected picture.</summary>
    public static FileOfRows Preferences { get; } = new("preferences", "path");

    /// <summary>Puts a file in the place of the captions of a section.</summary>
    /// <param name="source">plugins.json.</param>
    /// <param name="section">The section, at the root or one level below.</param>
    /// <param name="file">The file, as the user named it; null changes nothing.</param>
    /// <param name="option">What named it, which is the place of its faults.</param>
    /// <returns>What was given.</returns>
    public JsonSource In(JsonSource source, string section, string? file, string option)
    {
        if (file is null) return source;
        var (parent, key) = (source.Root, section);
        if (section.Split('.') is [var outer, var inner])
        {
            source.Root[outer] ??= new JsonObject();
            // What is no object is refused when it is composed.
            if (source.Root[outer] is not JsonObject above) return source;
            (parent, key) = (above, inner);
        }
        parent[key] = new JsonObject { ["id"] = Id, ["settings"] = new JsonObject { [Key] = Path.GetFullPath(file) } };
        source.Move(section, option);
        return source;
    }
}
