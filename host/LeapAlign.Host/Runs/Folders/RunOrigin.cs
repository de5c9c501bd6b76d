using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>
/// <c>origin.json</c>: how a run was begun, so that it can be resumed without saying it all again. Paths are relative to the run folder: run and repository may
/// move together.
/// </summary>
internal sealed record RunOrigin
{
    /// <summary>The file that composed the run, relative to the run folder.</summary>
    public string Config { get; init; } = "";

    /// <summary>The overrides of the command line, in order.</summary>
    public IReadOnlyList<string> Set { get; init; } = [];

    /// <summary>Reads the file of a run.</summary>
    /// <returns><see cref="FaultCodes.RunNotReadable"/> when it is not what the run wrote.</returns>
    public static Result<RunOrigin> Read(RunFolder folder)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(folder.Origin), RunOriginJson.Origin)!;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.RunNotReadable, $"it does not say how the run was begun: {exception.Message.Split('\n')[0]}", new SourcePlace(folder.Origin));
        }
    }

    /// <summary>Where the file that composes the run is now.</summary>
    public string ConfigIn(RunFolder folder) => Path.GetFullPath(Config, folder.Path);

    /// <summary>Writes the file.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="config">The file that composes it.</param>
    /// <param name="set">The overrides.</param>
    public static Result<Unit> Write(RunFolder folder, string config, IReadOnlyList<string> set) => WholeFile.Write(
        folder.Origin,
        JsonSerializer.SerializeToUtf8Bytes(new RunOrigin { Config = Path.GetRelativePath(folder.Path, Path.GetFullPath(config)), Set = set }, RunOriginJson.Origin),
        folder.Disk);
}

internal static class RunOriginJson
{
    public static JsonTypeInfo<RunOrigin> Origin { get; } = SettingsType.Strict(RunOriginJsonContext.Default.RunOrigin);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(RunOrigin))]
internal sealed partial class RunOriginJsonContext : JsonSerializerContext;
