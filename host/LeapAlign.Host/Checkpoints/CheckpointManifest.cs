using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Checkpoints;

/// <summary>What <c>manifest.json</c> of a checkpoint says.</summary>
internal sealed record CheckpointManifest
{
    /// <summary>The file's name.</summary>
    public const string FileName = "manifest.json";

    /// <summary>The only form there is so far.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The SHA-256 of this file with zeros in the place of these digits.</summary>
    public string Sha256 { get; init; } = "";

    public int Format { get; init; }

    /// <summary>When it was written; nothing depends on it.</summary>
    public DateTimeOffset Written { get; init; }

    /// <summary>What wrote it.</summary>
    public required ProgramBuild Program { get; init; }

    /// <summary>The plugins of the run.</summary>
    public required IReadOnlyList<PluginBuild> Plugins { get; init; }

    /// <summary>The counters of the run.</summary>
    public required RunProgress Progress { get; init; }

    /// <summary>The state of each part, by name.</summary>
    public required IReadOnlyDictionary<string, SavedState> States { get; init; }

    /// <summary>Length and SHA-256 of every other file, by name.</summary>
    public required IReadOnlyDictionary<string, FileSeal> Files { get; init; }

    /// <summary>Bytes of all of them.</summary>
    [JsonIgnore]
    public long Bytes => Files.Values.Sum(static file => file.Bytes);

    /// <summary>plugins.json as the run understood it.</summary>
    public required JsonObject Configuration { get; init; }
}

/// <summary>What computes: results are the same to the bit with the same of all three.</summary>
/// <param name="Version">Of the program, with the commit that it was built from where the build knew one.</param>
/// <param name="Torch">Version of TorchSharp.</param>
/// <param name="Threads">Threads of tensor operations.</param>
/// <param name="Sha256">Of the program's assemblies (<see cref="ProgramFiles"/>); null in checkpoints of versions that did not look at them.</param>
internal sealed record ProgramBuild(string Version, string Torch, int Threads, string? Sha256 = null);

/// <summary>A plugin as it was loaded.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Version">The version of its assembly.</param>
/// <param name="Sha256">The fingerprint of its folder, as a pin has it; of its assembly where the folder has none.</param>
internal sealed record PluginBuild(string Id, string Version, string Sha256);

/// <summary>The state of one part, apart from its tensors.</summary>
/// <param name="Version">Of its form.</param>
/// <param name="HasTensors">Whether there are files with tensors of its name.</param>
/// <param name="Numbers">Its numbers.</param>
internal sealed record SavedState(int Version, bool HasTensors, IReadOnlyDictionary<string, double> Numbers);

/// <summary>The types of a checkpoint's file, read strictly. Numbers that are not finite have the names that they have in metrics.jsonl.</summary>
internal static class CheckpointJson
{
    public static JsonTypeInfo<CheckpointManifest> Manifest { get; } = Of(CheckpointJsonContext.Default.CheckpointManifest);

    public static JsonTypeInfo<CheckpointPart> Part { get; } = Of(CheckpointJsonContext.Default.CheckpointPart);

    private static JsonTypeInfo<T> Of<T>(JsonTypeInfo<T> type) => (JsonTypeInfo<T>)new JsonSerializerOptions(SettingsType.Strict(type).Options)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    }.GetTypeInfo(typeof(T));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(CheckpointPart))]
internal sealed partial class CheckpointJsonContext : JsonSerializerContext;
