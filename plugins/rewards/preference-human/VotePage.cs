using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>
/// The page, and what it asks. <c>POST next { "voter", "has" }</c> gives a pair, without its pictures where the page has it, or says that there is none; <c>POST vote { "voter", "pair", "prefers": "left" | "right" | "neither" }</c> takes a vote, and
/// <c>POST undo { "voter" }</c> takes the last one back. It believes nothing of what it is sent.
/// </summary>
/// <param name="poll">The pairs.</param>
/// <param name="warn">Is told of votes that a disk did not keep.</param>
internal sealed class VotePage(Poll poll, Action<Fault> warn)
{
    private const int LongestName = 64;

    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };
    private static readonly SearchValues<char> s_name = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    // The pictures of the group under way, encoded once.
    private readonly ConcurrentDictionary<string, string> _encoded = new(StringComparer.Ordinal);

    /// <summary>Answers a request.</summary>
    public PageAnswer Answer(PageRequest request) => (request.IsPost, request.Path) switch
    {
        (false, "") => Asset("vote.html", "text/html"),
        (false, "style.css") => Asset("vote.css", "text/css"),
        (false, "script.js") => Asset("vote.js", "text/javascript"),
        (true, "next") => Asked(request, static (asked, _) => Text(asked, "has") ?? "", Next),
        (true, "vote") => Asked(request, Choice, (voter, choice) => Told(poll.Vote(voter, choice.Pair, choice.Side))),
        (true, "undo") => Asked(request, static (_, voter) => voter, (voter, _) => Told(poll.Undo(voter))),
        _ => Refused(HttpStatusCode.NotFound, "there is nothing here"),
    };

    /// <summary>Forgets pictures that are no longer asked about.</summary>
    public void Forget() => _encoded.Clear();

    private static PageAnswer Asked<T>(PageRequest request, Func<JsonElement, string, T?> read, Func<string, T, PageAnswer> answer)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(request.Body, s_strict);
            return document.RootElement.ValueKind == JsonValueKind.Object && Text(document.RootElement, "voter") is { Length: > 0 and <= LongestName } voter && !voter.AsSpan().ContainsAnyExcept(s_name)
                && read(document.RootElement, voter) is { } asked
                ? answer(voter, asked)
                : Refused(HttpStatusCode.BadRequest, "expected an object with 'voter', and for a vote with 'pair' and 'prefers': left, right or neither");
        }
        // Half of a surrogate pair, written as an escape, is an InvalidOperationException.
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return Refused(HttpStatusCode.BadRequest, "the request is not JSON");
        }
    }

    private static ChosenSide? Choice(JsonElement request, string voter) => (Text(request, "pair"), Text(request, "prefers")) switch
    {
        ({ } pair, "left") => new ChosenSide(pair, Side.Left),
        ({ } pair, "right") => new ChosenSide(pair, Side.Right),
        ({ } pair, "neither") => new ChosenSide(pair, Side.Neither),
        _ => null,
    };

    private static string? Text(JsonElement element, string key) => element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private PageAnswer Next(string voter, string has)
    {
        var offer = poll.Next(voter);
        return Json(HttpStatusCode.OK, json =>
        {
            if (offer.Shown is { } shown)
            {
                json.WriteString("pair", shown.Pair.Key);
                if (shown.Pair.Key != has) Show(json, shown);
            }
            json.WriteNumber("done", offer.Done);
            json.WriteNumber("of", offer.Of);
            json.WriteNumber("group", offer.Group);
            json.WriteBoolean("undo", offer.CanUndo);
        });
    }

    private void Show(Utf8JsonWriter json, ShownPair shown)
    {
        var (left, right) = shown.IsTurned ? (shown.Pair.Second, shown.Pair.First) : (shown.Pair.First, shown.Pair.Second);
        json.WriteString("caption", shown.Group.Caption);
        json.WriteString("left", Picture(shown.Group, left));
        json.WriteString("right", Picture(shown.Group, right));
    }

    private string Picture(PictureGroup group, int place) => _encoded.GetOrAdd(group.Hashes[place], _ => $"data:image/png;base64,{Convert.ToBase64String(group.Pictures[place].ToPng())}");

    private PageAnswer Told((VoteOutcome Outcome, Fault? Fault) became)
    {
        if (became.Fault is { } fault) warn(fault);
        return became.Outcome switch
        {
            VoteOutcome.Kept => Json(HttpStatusCode.OK, static json => json.WriteBoolean("kept", true)),
            VoteOutcome.Unknown => Refused(HttpStatusCode.NotFound, "nobody is asked about this pair now"),
            VoteOutcome.Late => Refused(HttpStatusCode.Conflict, "it is too late: this was voted on, or the run has gone on"),
            _ => Refused(HttpStatusCode.InsufficientStorage, "the disk did not keep the vote, so that it does not count; the terminal of the run says why"),
        };
    }

    private static PageAnswer Refused(HttpStatusCode status, string why) => Json(status, json => json.WriteString("error", why));

    private static PageAnswer Json(HttpStatusCode status, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        // Nothing of it becomes markup: the page puts it into text nodes.
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return new PageAnswer((int)status, "application/json", buffer.WrittenMemory);
    }

    private static PageAnswer Asset(string name, string type)
    {
        using var stream = typeof(VotePage).Assembly.GetManifestResourceStream(name)!;
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return new PageAnswer((int)HttpStatusCode.OK, type, content.ToArray());
    }

    private sealed record ChosenSide(string Pair, Side Side);
}
