using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Records;

/// <summary>The file <c>run.json</c>: whole or not at all, whoever writes it.</summary>
internal static class RunRecordFile
{
    /// <summary>Writes the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="record">Everything in it.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    public static Result<Unit> Write(string path, RunRecord record, IDisk? disk = null) => WholeFile.Write(path, record.ToJson(), disk);

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
