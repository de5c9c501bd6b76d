using System.Text;

namespace LeapAlign.Host.Commands.Streams;

/// <summary>Begins each line with the rank of the process, since the lines of all processes of a run arrive in one place.</summary>
/// <param name="inner">Takes the lines.</param>
/// <param name="rank">The process.</param>
internal sealed class RankWriter(TextWriter inner, int rank) : TextWriter
{
    private readonly StringBuilder _line = new();

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value)
    {
        _line.Append(value);
        if (value == '\n') Flush();
    }

    public override void Write(string? value)
    {
        foreach (var each in value ?? "") Write(each);
    }

    public override void WriteLine(string? value)
    {
        Write(value);
        Write('\n');
    }

    // Whole, so that lines of two processes do not mix.
    public override void Flush()
    {
        if (_line.Length > 0) inner.Write($"[rank {rank}] {_line}");
        _line.Clear();
        inner.Flush();
    }
}
