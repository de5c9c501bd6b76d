using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>A key of plugins.json that a sweep gives a value.</summary>
/// <param name="Key">Its path, as <c>--set</c> takes it.</param>
/// <param name="Value">The value; null is JSON's.</param>
/// <param name="Place">Where the sweep's file says it.</param>
internal sealed record SweepSet(string Key, JsonNode? Value, SourcePlace Place)
{
    /// <summary>The key of random draws: members that differ in nothing else are one group of the report.</summary>
    public const string Seed = "run.seed";

    /// <summary>The path with dots alone, so that <c>rewards[0]</c> and <c>rewards.0</c> are the same.</summary>
    public string Path { get; } = string.Join('.', Override.Segments(Key));

    /// <summary>The value as JSON.</summary>
    public string Json { get; } = Value?.ToJsonString() ?? "null";

    /// <summary>What <c>--set</c> is given.</summary>
    public string Text => $"{Key}={Json}";

    /// <summary>Whether a path says where a run lies, which a sweep and a search say themselves.</summary>
    public static bool PlacesRuns(string path) => path is "run" or "run.name" or "run.folder";

    /// <summary>A value that a later one replaces as a whole, so that it would do nothing; null for none.</summary>
    /// <param name="sets">In their order.</param>
    public static (SweepSet Replaced, SweepSet By)? FirstReplaced(IReadOnlyList<SweepSet> sets)
    {
        for (var index = 0; index < sets.Count; index++)
        {
            if (sets.Skip(index + 1).FirstOrDefault(later => later.Covers(sets[index].Path)) is { } by) return (sets[index], by);
        }
        return null;
    }

    /// <summary>Whether this key is another one, or one above it.</summary>
    public bool Covers(string path) => path == Path || path.StartsWith($"{Path}.", StringComparison.Ordinal);
}

/// <summary>A run of a sweep.</summary>
/// <param name="Number">Its place in the sweep, the first being 0.</param>
/// <param name="Name">What differs from other members; the name of its folder.</param>
/// <param name="Sets">What it changes in plugins.json, in order.</param>
internal sealed record SweepMember(int Number, string Name, IReadOnlyList<SweepSet> Sets)
{
    /// <inheritdoc/>
    public override string ToString() => $"member {Number}, '{Name}'";
}

/// <summary>Runs that belong together.</summary>
/// <param name="File">The file that says so, as the user named it.</param>
/// <param name="Name">The name of the folder that holds the folders of its runs.</param>
/// <param name="Config">plugins.json, which they change.</param>
/// <param name="Members">The runs, in order.</param>
internal sealed record Sweep(string File, string Name, string Config, IReadOnlyList<SweepMember> Members)
{
    /// <summary>Overrides of the command line: of all members, before their own.</summary>
    public IReadOnlyList<string> Set { get; init; } = [];
}
