using System.Text;
using Spectre.Console;

namespace LeapAlign.Host.Commands;

/// <summary>
/// Standard error on the screen that also shows a bar: a line goes above the bar, which is drawn again below it. What is written becomes visible line by line.
/// </summary>
/// <param name="console">What draws the bar.</param>
internal sealed class LinesAboveBar(IAnsiConsole console) : TextWriter
{
    // The console puts the cursor where the bar begins; a line that is shorter would leave the rest of it.
    private const string EraseBelow = "\u001b[J";

    private readonly StringBuilder _line = new();

    /// <inheritdoc/>
    public override Encoding Encoding => console.Profile.Encoding;

    /// <inheritdoc/>
    public override void Write(char value)
    {
        if (value == '\n') End();
        else _line.Append(value);
    }

    /// <summary>Ends a line that has begun.</summary>
    public override void Flush()
    {
        if (_line.Length > 0) End();
    }

    // As it is: neither markup nor folded at the width of the screen.
    private void End()
    {
        console.Write(new ControlCode($"{EraseBelow}{_line}\n"));
        _line.Clear();
    }
}
