using System.Text.Json;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Checkpoints;

/// <summary>What <c>part.json</c> says of the share of a checkpoint that one process of a run wrote.</summary>
internal sealed record CheckpointPart
{
    /// <summary>The file's name.</summary>
    public const string FileName = "part.json";

    /// <summary>Steps done before the checkpoint.</summary>
    public required int Step { get; init; }

    /// <summary>The process.</summary>
    public required int Rank { get; init; }

    /// <summary>Of how many.</summary>
    public required int World { get; init; }

    /// <summary>All states of the run, by name, with what this process knows of them.</summary>
    public required IReadOnlyDictionary<string, SavedState> States { get; init; }

    /// <summary>Length and SHA-256 of its files, by name. An index of shards is among them, and is made anew over those of all processes.</summary>
    public required IReadOnlyDictionary<string, FileSeal> Files { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CheckpointJson.Part);
}
