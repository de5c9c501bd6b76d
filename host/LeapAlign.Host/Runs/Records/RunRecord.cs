using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Host.Kernel;

namespace LeapAlign.Host.Runs.Records;

/// <summary><c>run.json</c>: what a run is and how far it is, apart from its settings and its measurements.</summary>
/// <param name="Program">The version of LeapAlign.</param>
/// <param name="Started">When the process began to train, UTC.</param>
/// <param name="Updated">When this was written, UTC.</param>
/// <param name="State">Whether it goes on, or how it ended.</param>
/// <param name="Fault">What it ended with; null when it did not fail.</param>
/// <param name="Environment">Versions, machine and tuning, by name. Nothing that names a user, a host or a folder.</param>
/// <param name="Warnings">Warnings so far.</param>
internal sealed record RunRecord(
    string Program,
    DateTimeOffset Started,
    DateTimeOffset Updated,
    RunState State,
    string? Fault,
    IReadOnlyDictionary<string, string> Environment,
    IReadOnlyList<WarningRecord> Warnings)
{
    /// <summary>What the model is called: the last part of its folder, or its id; null in files of before.</summary>
    public string? Model { get; init; }

    /// <summary>Choices that the algorithm makes together, as far as it has made any; null in files of before.</summary>
    public IReadOnlyList<ChoicePair>? Pairs { get; init; }

    // A file of its own, to be read by people too.
    private static readonly RunRecordJson s_readable = new(new JsonSerializerOptions(RunRecordJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>
    /// How the process died that wrote this, for who holds the folder now; null when it ended in another way. A record that goes on in a folder that was free is of a process that was killed with its witness.
    /// </summary>
    [JsonIgnore]
    public string? Death => State switch
    {
        RunState.Died => Fault ?? "how is not known",
        RunState.Running => "run.json says that it goes on, so that it was killed together with what watches over it",
        _ => null,
    };

    /// <summary>The same run as it ended.</summary>
    public RunRecord Ended(RunState state, string? fault, DateTimeOffset now) => this with { State = state, Fault = fault, Updated = now };

    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, s_readable.RunRecord), (byte)'\n'];
}

/// <summary>Whether a run goes on, or how it ended.</summary>
internal enum RunState
{
    /// <summary>It goes on; or its process and the one that watches over it were killed together, which shows by the folder being free.</summary>
    Running,

    /// <summary>All steps are done.</summary>
    Completed,

    /// <summary>It was asked to stop, and exported what it had.</summary>
    Interrupted,

    /// <summary>It ended with a fault.</summary>
    Faulted,

    /// <summary>Its process ended without a word: killed, crashed, out of memory.</summary>
    Died,
}

/// <summary>A warning and how often its code came at its place.</summary>
/// <param name="Code">LA####.</param>
/// <param name="Place">The place; null when it has none.</param>
/// <param name="Message">The words of the first one.</param>
/// <param name="Count">How often it came.</param>
internal sealed record WarningRecord(string Code, string? Place, string Message, int Count);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RunRecord))]
internal sealed partial class RunRecordJson : JsonSerializerContext;
