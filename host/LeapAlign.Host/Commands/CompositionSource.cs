using System.CommandLine;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Commands;

/// <summary>What a run is composed from.</summary>
/// <param name="Config">plugins.json, as the user named it.</param>
/// <param name="Set">Overrides, in order.</param>
/// <param name="Verb">The verb that composes it.</param>
internal sealed record CompositionSource(string Config, IReadOnlyList<string> Set, string Verb)
{
    /// <summary>Another folder for the model than the one that plugins.json names; null for that.</summary>
    public string? ModelFolder { get; init; }

    /// <summary>The folder of plugins.json.</summary>
    public string Folder => Path.GetDirectoryName(Path.GetFullPath(Config))!;

    /// <summary>What the global options say.</summary>
    public static CompositionSource Of(ParseResult parsed) => new(parsed.GetValue(GlobalOptions.Config)!, parsed.GetValue(GlobalOptions.Set)!, parsed.CommandResult.Command.Name);

    /// <summary>The same with further overrides behind those that are there.</summary>
    public CompositionSource With(params IEnumerable<string> further) => this with { Set = [.. Set, .. further] };

    /// <summary>Reads the file and applies the overrides.</summary>
    public Pipeline.Result<JsonSource> Read() => ConfigurationFile.Read(Config, Set);
}
