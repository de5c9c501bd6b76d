using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>
/// Votes on the disk, one file for each pair, named by its key and written whole at each vote:
/// <c>{ "votes": [{ "voter": "...", "prefers": "first" }], "closed": false, "sha256": "..." }</c>. The hash covers key and content, so that a file that was cut or damaged, or belongs to another pair, is
/// seen; it counts as absent, with a warning. Whatever is in the folder can be deleted.
/// </summary>
internal sealed class VoteBook
{
    private const int Largest = 64 * 1024;

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    private readonly string _folder;
    private readonly Action<Fault> _warn;

    private VoteBook(string folder, Action<Fault> warn) => (_folder, _warn) = (folder, warn);

    /// <summary>Opens a folder, made when absent, and sees whether files can be written there.</summary>
    /// <param name="folder">Its full path.</param>
    /// <param name="warn">Is told of files that cannot be used.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when votes could not be kept.</returns>
    public static Result<VoteBook> Open(string folder, Action<Fault> warn)
    {
        try
        {
            SystemDisk.Instance.MakeFolder(folder);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return Refusal(folder, refused.Message);
        }
        // A vote that cannot be kept is one that somebody gives in vain.
        var trial = Path.Combine(folder, FormattableString.Invariant($"trial-{Environment.ProcessId}"));
        if (!WholeFile.Write(trial, new byte[1]).TryGet(out _, out var fault)) return Refusal(folder, fault.Message);
        File.Delete(trial);
        return new VoteBook(folder, warn);
    }

    /// <summary>What people said of a pair.</summary>
    /// <param name="key">Its key.</param>
    public PairVotes Find(string key)
    {
        var path = PathOf(key);
        if (!Path.Exists(path)) return PairVotes.None;
        string why;
        try
        {
            using var file = RegularFile.Open(path);
            var length = RandomAccess.GetLength(file);
            if (length > Largest) return Ignored(path, "it is longer than any of votes");
            var content = new byte[length];
            length = RandomAccess.Read(file, content, 0);
            using var document = JsonDocument.Parse(content.AsMemory(0, (int)length), s_strict);
            var votes = new PairVotes(
                [.. document.RootElement.GetProperty("votes").EnumerateArray().Select(static vote => new Vote(vote.GetProperty("voter").GetString()!, Read(vote.GetProperty("prefers").GetString())))],
                document.RootElement.GetProperty("closed").GetBoolean());
            if (votes.Votes.Select(static vote => vote.Voter).Distinct(StringComparer.Ordinal).Count() < votes.Votes.Count) return Ignored(path, "somebody has two votes in it");
            if (document.RootElement.GetProperty("sha256").GetString() == Seal(key, votes)) return votes;
            why = "what it holds was changed, or belongs to another pair";
        }
        // Not to be read, not JSON, without the keys, or with values of other types.
        catch (Exception damaged) when (damaged is IOException or UnauthorizedAccessException)
        {
            why = damaged.Message;
        }
        catch (Exception damaged) when (damaged is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            why = "it is cut, or no file of votes";
        }
        return Ignored(path, why);
    }

    /// <summary>Keeps what people said of a pair, on the disk when it returns.</summary>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses; what was there stays.</returns>
    public Result<Unit> Keep(string key, PairVotes votes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("votes");
            foreach (var vote in votes.Votes)
            {
                json.WriteStartObject();
                json.WriteString("voter", vote.Voter);
                json.WriteString("prefers", Word(vote.Prefers));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteBoolean("closed", votes.IsClosed);
            json.WriteString("sha256", Seal(key, votes));
            json.WriteEndObject();
        }
        return WholeFile.Write(PathOf(key), buffer.WrittenMemory);
    }

    private static Fault.Run Refusal(string folder, string why) =>
        new(FaultCodes.CannotWrite, $"votes cannot be kept here ({why}); the setting 'folder' names another folder", new SourcePlace(folder));

    private PairVotes Ignored(string path, string why)
    {
        _warn(new Fault.Run(FaultCodes.VotesDamaged, $"this file of votes is not used: {why}; its pair is asked again", new SourcePlace(path)));
        return PairVotes.None;
    }

    private string PathOf(string key) => Path.Combine(_folder, $"{key}.json");

    private static string Word(Preference preference) => preference switch { Preference.First => "first", Preference.Second => "second", _ => "neither" };

    private static Preference Read(string? word) => word switch
    {
        "first" => Preference.First,
        "second" => Preference.Second,
        "neither" => Preference.Neither,
        _ => throw new JsonException(),
    };

    private static string Seal(string key, PairVotes votes)
    {
        var text = new StringBuilder(key).Append('\n').Append(votes.IsClosed);
        foreach (var vote in votes.Votes) text.Append('\n').Append(vote.Voter).Append(' ').Append(Word(vote.Prefers));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
