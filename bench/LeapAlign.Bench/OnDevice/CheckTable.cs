using LeapAlign.Host.Telemetry;

namespace LeapAlign.Bench.OnDevice;

/// <summary>What was looked at, one row each, as a table of Markdown: to be sent to somebody who does not have the device.</summary>
/// <param name="output">Where it is written, row by row: what ends the process leaves those before.</param>
internal sealed class CheckTable(TextWriter output)
{
    private bool _begun;

    /// <summary>The rows that are not as they should be.</summary>
    public int Bad { get; private set; }

    /// <summary>Something that is known, and neither right nor wrong.</summary>
    public void Tell(string what, string seen) => Row(what, "", seen);

    /// <summary>Something that is right or wrong.</summary>
    public void Judge(string what, bool isWell, string seen)
    {
        if (!isWell) Bad++;
        Row(what, isWell ? "ok" : "BAD", seen);
    }

    /// <summary>Looks; what is thrown is a row of its own, and the next check goes on.</summary>
    public void Try(string what, Action look)
    {
        try
        {
            look();
        }
        catch (Exception exception)
        {
            Thrown.Keep(exception, what);
            Judge(what, false, $"{exception.GetType().Name}: {exception.Message.Split('\n')[0].Trim()}");
        }
    }

    private void Row(string what, string result, string seen)
    {
        if (!_begun) output.WriteLine("| check | | seen |\n|---|---|---|");
        _begun = true;
        output.WriteLine($"| {what} | {result} | {seen.Replace("|", "\\|", StringComparison.Ordinal)} |");
        output.Flush();
    }
}
