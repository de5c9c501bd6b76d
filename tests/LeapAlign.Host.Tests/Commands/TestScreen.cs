using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>A terminal, and what stands on it after everything that was written: it knows the movements and erasures of lines.</summary>
internal sealed partial class TestScreen : IAnsiConsoleOutput
{
    private readonly StringBuilder _written = new();

    public TestScreen(int width)
    {
        (Width, Writer) = (width, new StringWriter(_written, CultureInfo.InvariantCulture));
        Console = AnsiConsole.Create(new() { Out = this, Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, ColorSystem = ColorSystemSupport.NoColors });
    }

    public IAnsiConsole Console { get; }

    public TextWriter Writer { get; }

    public bool IsTerminal => true;

    public int Width { get; }

    public int Height => 40;

    public void SetEncoding(Encoding encoding)
    {
    }

    /// <summary>The lines on it that are not empty.</summary>
    public IReadOnlyList<string> Lines()
    {
        List<StringBuilder> lines = [new()];
        var (row, column) = (0, 0);
        foreach (Match match in Piece().Matches(_written.ToString()))
        {
            switch (match.Value)
            {
                case "\r":
                    column = 0;
                    break;
                case "\n":
                    (row, column) = (row + 1, 0);
                    if (row == lines.Count) lines.Add(new());
                    break;
                case "\u001b[J":
                    lines.RemoveRange(row + 1, lines.Count - row - 1);
                    lines[row].Length = Math.Min(lines[row].Length, column);
                    break;
                case "\u001b[2K":
                    lines[row].Clear();
                    break;
                case ['\u001b', .., 'A'] up:
                    row = Math.Max(0, row - int.Parse(up.AsSpan(2, up.Length - 3), CultureInfo.InvariantCulture));
                    break;
                case ['\u001b', ..]:
                    break;
                case [var letter]:
                    var line = lines[row];
                    if (line.Length <= column) line.Append(' ', column + 1 - line.Length);
                    line[column++] = letter;
                    break;
            }
        }
        return [.. lines.Select(static line => line.ToString().TrimEnd()).Where(static line => line.Length > 0)];
    }

    [GeneratedRegex(@"\e\[[?0-9;]*[A-Za-z]|[\s\S]")]
    private static partial Regex Piece();
}
