using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Records;

/// <summary>The file <c>run.json</c>: whole or not at all, whoever writes it.</summary>
internal static class RunRecordFile
{
    /// <summary>Writes the file.</summary>
    public static Result<Unit> Write(string path, RunRecord record) => WholeFile.Write(path, record.ToJson());

    /// <summary>Reads the file.</summary>
    /// <returns>Null when it is not there, or not what a run wrote.</returns>
    public static RunRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RunRecordJson.Default.RunRecord);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
