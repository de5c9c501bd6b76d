using System.Text;

namespace LeapAlign.Host.Pins;

/// <summary>
/// Writes and removes the pins of a plugins.json. Everything else keeps its bytes: comments, line ends, the order of keys. A pin goes behind the id, on
/// a line of its own where the id has one; an id that stands alone becomes an object, and is alone again when the pin is removed.
/// </summary>
internal static class PinnedText
{
    private const string Key = "sha256";

    /// <summary>Changes a text.</summary>
    /// <param name="utf8">A file that was read without a fault.</param>
    /// <param name="pins">The pin of each entry by its path; null removes it.</param>
    public static byte[] With(byte[] utf8, IEnumerable<KeyValuePair<string, string?>> pins)
    {
        var mark = utf8.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        var text = utf8[mark..];
        var outline = JsonOutline.Of(text);
        var result = text.ToList();
        // From the end, so that what is still to be changed keeps its place.
        foreach (var edit in pins.SelectMany(pin => pin.Value is null ? Remove(text, outline, pin.Key) : Set(text, outline, pin.Key, pin.Value)).OrderByDescending(static edit => edit.Start))
        {
            result.RemoveRange(edit.Start, edit.End - edit.Start);
            result.InsertRange(edit.Start, Encoding.UTF8.GetBytes(edit.Text));
        }
        return [.. utf8[..mark], .. result];
    }

    private static IEnumerable<Edit> Set(byte[] text, JsonOutline outline, string key, string pin)
    {
        if (outline[$"{key}.{Key}"] is { } there) return [new(there.Start, there.End, $"\"{pin}\"")];
        if (outline[$"{key}.id"] is not { } id)
        {
            var word = outline[key]!.Value;
            return [new(word.Start, word.End, $"{{ \"id\": {Raw(text, word)}, \"{Key}\": \"{pin}\" }}")];
        }
        var begin = LineBegin(text, id.Name);
        var end = LineEnd(text, id.End < text.Length && text[id.End] == ',' ? id.End + 1 : id.End);
        var between = begin >= 0 && end >= 0 ? $",{(text[end - 1] == '\r' ? "\r\n" : "\n")}{Encoding.UTF8.GetString(text[begin..id.Name])}" : ", ";
        return [new(id.End, id.End, $"{between}\"{Key}\": \"{pin}\"")];
    }

    private static IEnumerable<Edit> Remove(byte[] text, JsonOutline outline, string key)
    {
        if (outline[$"{key}.{Key}"] is not { } pin) yield break;
        var (whole, id) = (outline[key]!.Value, outline[$"{key}.id"]!.Value);
        if (Raw(text, whole) == $"{{ \"id\": {Raw(text, id)}, \"{Key}\": {Raw(text, pin)} }}")
        {
            yield return new(whole.Start, whole.End, Raw(text, id));
            yield break;
        }

        var comma = pin.Previous >= 0 ? Significant(text, pin.Previous) : -1;
        if (comma >= 0 && comma == pin.Previous && Encoding.UTF8.GetString(text[(comma + 1)..pin.Name]).All(char.IsWhiteSpace))
        {
            yield return new(comma, pin.End, "");
            yield break;
        }

        // Written by hand: it comes first, or there are comments between. The comma behind it goes, or the one before.
        var (start, end) = (pin.Name, pin.End);
        var next = Significant(text, end);
        var followed = text[next] == ',';
        if (followed && next == end) end++;
        else if (followed) yield return new(next, next + 1, "");
        else if (comma >= 0) yield return new(comma, comma + 1, "");
        if (LineBegin(text, start) is var begin and >= 0 && LineEnd(text, end) is var last and >= 0) (start, end) = (begin, last + 1);
        else while (IsBlank(text[end])) end++;
        yield return new(start, end, "");
    }

    private static string Raw(byte[] text, JsonSpan span) => Encoding.UTF8.GetString(text.AsSpan(span.Start..span.End));

    // Where the line begins, when there are only blanks before a place; otherwise -1.
    private static int LineBegin(byte[] text, int place)
    {
        while (place > 0 && IsBlank(text[place - 1])) place--;
        return place > 0 && text[place - 1] == '\n' ? place : -1;
    }

    // Where the line feed is, when there are only blanks behind a place; otherwise -1.
    private static int LineEnd(byte[] text, int place)
    {
        while (place < text.Length && (IsBlank(text[place]) || text[place] == '\r')) place++;
        return place < text.Length && text[place] == '\n' ? place : -1;
    }

    // The next place that is neither white space nor part of a comment.
    private static int Significant(byte[] text, int place)
    {
        while (true)
        {
            if (IsBlank(text[place]) || text[place] is (byte)'\r' or (byte)'\n') place++;
            else if (text[place] != '/') return place;
            else if (text[place + 1] == '/') place = text.AsSpan(place).IndexOfAny((byte)'\n', (byte)'\r') + place;
            else place = text.AsSpan(place + 2).IndexOf("*/"u8) + place + 4;
        }
    }

    private static bool IsBlank(byte character) => character is (byte)' ' or (byte)'\t';

    private readonly record struct Edit(int Start, int End, string Text);
}
