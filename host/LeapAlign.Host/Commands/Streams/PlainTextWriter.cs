using System.Buffers;
using System.Globalization;
using System.Text;

namespace LeapAlign.Host.Commands.Streams;

/// <summary>
/// Text that a terminal shows as it is: what does not show, an escape sequence for instance, is written as <c>\u001b</c>. Lines of plugins, of services and of files go
/// through it, and whatever a plugin prints itself.
/// </summary>
/// <param name="inner">Takes what shows, and ends of lines.</param>
internal sealed class PlainTextWriter(TextWriter inner) : TextWriter
{
    private static readonly SearchValues<char> s_hidden = SearchValues.Create(
        [.. Enumerable.Range(char.MinValue, char.MaxValue + 1).Select(static code => (char)code).Where(static character => Hides(character) && character is not ('\n' or '\t'))]);

    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <summary>A text that shows: control characters but ends of lines and tabs are escaped, and what turns the direction of writing around.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAny(s_hidden)) return text;
        var shown = new StringBuilder(text.Length);
        // The end of a line of another system moves no cursor.
        foreach (var character in text.Replace("\r\n", "\n", StringComparison.Ordinal))
        {
            if (s_hidden.Contains(character)) shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else shown.Append(character);
        }
        return shown.ToString();
    }

    /// <inheritdoc/>
    public override void Write(char value)
    {
        if (s_hidden.Contains(value)) inner.Write(Of(value.ToString()));
        else inner.Write(value);
    }

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        if (value is not null) inner.Write(Of(value));
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => inner.Write(Of(buffer.ToString()));

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    // In one piece, so that lines of several threads do not mix.
    /// <inheritdoc/>
    public override void WriteLine(string? value) => inner.Write($"{Of(value ?? "")}\n");

    /// <inheritdoc/>
    public override void WriteLine(ReadOnlySpan<char> buffer) => WriteLine(buffer.ToString());

    /// <inheritdoc/>
    public override void Flush() => inner.Flush();

    private static bool Hides(char character) =>
        char.IsControl(character) || character is '\u2028' or '\u2029' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
