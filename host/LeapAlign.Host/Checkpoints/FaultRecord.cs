using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Checkpoints;

/// <summary>What was wrong in a step: <c>faults/step-######.json</c>.</summary>
/// <param name="Step">The step, from 1. <c>replay --step</c> does it again.</param>
/// <param name="Code">The code of the fault.</param>
/// <param name="Message">What it says.</param>
internal sealed record FaultRecord(int Step, string Code, string Message)
{
    /// <summary>Writes it down.</summary>
    public static Result<Unit> Write(string path, FaultRecord record, IDisk disk) => RunFolder.WriteInto(path, JsonSerializer.SerializeToUtf8Bytes(record, FaultRecordJson.Default.FaultRecord), disk);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(FaultRecord))]
internal sealed partial class FaultRecordJson : JsonSerializerContext;
