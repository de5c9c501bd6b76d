using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>
/// Answers on the disk, one file for each question, named by its key: <c>{ "answer": "7", "sha256": "..." }</c>. The hash covers key and answer, so that a file that was
/// damaged, or belongs to another question, is seen; it counts as absent. Whatever is in the folder can be deleted.
/// </summary>
internal sealed class AnswerCache
{
    private const int Largest = 1024;

    private readonly string _folder;
    private readonly Action<Fault> _warn;

    private AnswerCache(string folder, Action<Fault> warn) => (_folder, _warn) = (folder, warn);

    /// <summary>Opens a folder, made when absent.</summary>
    /// <param name="folder">Its full path.</param>
    /// <param name="warn">Is told of what cannot be kept.</param>
    /// <returns>A fault when there can be no such folder.</returns>
    public static Result<AnswerCache> Open(string folder, Action<Fault> warn)
    {
        try
        {
            SystemDisk.Instance.MakeFolder(folder);
            return new AnswerCache(folder, warn);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"answers cannot be kept here ({refused.Message}); the setting 'cache' names another folder", new SourcePlace(folder));
        }
    }

    /// <summary>The answer to a question.</summary>
    /// <returns>Null when there is none, or none that is whole.</returns>
    public string? Find(string key)
    {
        try
        {
            using var file = RegularFile.Open(PathOf(key));
            if (RandomAccess.GetLength(file) > Largest) return null;
            var content = new byte[Largest];
            var length = RandomAccess.Read(file, content, 0);
            using var document = JsonDocument.Parse(content.AsMemory(0, length));
            var answer = document.RootElement.GetProperty("answer").GetString();
            return answer is not null && document.RootElement.GetProperty("sha256").GetString() == Seal(key, answer) ? answer : null;
        }
        // Not there, not to be read, not JSON, without the keys, or with values of other types.
        catch (Exception damaged) when (damaged is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Keeps an answer. A disk that refuses costs the next run a question, and not this run its scores.</summary>
    public void Keep(string key, string answer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("answer", answer);
            json.WriteString("sha256", Seal(key, answer));
            json.WriteEndObject();
        }
        // Another process may have kept the same answer at the same moment, and taken the name away.
        if (!WholeFile.Write(PathOf(key), buffer.WrittenMemory).TryGet(out _, out var refused) && Find(key) is null) _warn(refused);
    }

    private string PathOf(string key) => Path.Combine(_folder, $"{key}.json");

    private static string Seal(string key, string answer) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key}\n{answer}")));
}
