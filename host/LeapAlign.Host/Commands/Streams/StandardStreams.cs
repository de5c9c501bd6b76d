using LeapAlign.Contracts.Ranks;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Streams;

/// <summary>
/// Standard output and standard error, for everything in the process that writes to them: results, progress, faults, logs, the help of the command line, and what plugins
/// print. Neither ever fails (<see cref="LastingStream"/>), and only what draws tables and the bar can send control characters (<see cref="PlainTextWriter"/>).
/// </summary>
internal static class StandardStreams
{
    private const string Closed = "it is closed";

    /// <summary>Opens both and puts them in the place of the console's. Call it first of all: loggers take standard error as it is when they are made.</summary>
    public static Terminal Open()
    {
        var open = Descriptors.Hold();
        // Of several processes the first tells results; the others have a voice for faults alone. Some launchers give each a terminal, which shows none of them.
        var several = Launcher.Here is { StartsSeveral: true };
        var rank = several ? Launcher.Here!.Rank : 0;
        // Of a terminal that is known to do nothing, the console sends no codes to prepare it.
        if (several) Environment.SetEnvironmentVariable("TERM", "dumb");
        var (output, outputEncoding) = Take(open[Descriptors.Output] && rank == 0, Console.OpenStandardOutput, static () => Console.Out);
        var (error, errorEncoding) = Take(open[Descriptors.Error], Console.OpenStandardError, static () => Console.Error);
        // The console asks whether its writer is that of the process.
        Console.SetOut(Writer(output, outputEncoding));
        var console = AnsiConsole.Create(new() { Out = new StandardOutput(Console.Out, open[Descriptors.Output] && !several && !Console.IsOutputRedirected) });
        // A redirected output has no width; tables would be folded to 80 columns in a file or a pipe.
        if (!console.Profile.Out.IsTerminal) console.Profile.Width = 400;
        var screen = console.Profile.Out.IsTerminal && console.Profile.Capabilities is { Ansi: true, Interactive: true };
        TextWriter written = console.Profile.Out.Writer, said = Writer(error, errorEncoding);
        if (screen)
        {
            written = new LinesAboveBar(console);
            if (!Console.IsErrorRedirected) said = new LinesAboveBar(console);
        }
        if (rank > 0) said = TextWriter.Synchronized(new RankWriter(said, rank));
        Console.SetOut(new PlainTextWriter(written));
        Console.SetError(new PlainTextWriter(said));
        return new Terminal(console, Console.Error) { Lost = () => rank == 0 ? output.Lost : null };
    }

    private static (LastingStream Stream, System.Text.Encoding Encoding) Take(bool open, Func<Stream> stream, Func<TextWriter> usual)
    {
        try
        {
            if (open) return (new LastingStream(stream()), usual().Encoding);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // As if it were closed.
        }
        return (new LastingStream(Stream.Null, Closed), System.Text.Encoding.Default);
    }

    private static TextWriter Writer(Stream stream, System.Text.Encoding encoding) => TextWriter.Synchronized(new StreamWriter(stream, encoding) { AutoFlush = true });

    /// <summary>The screen, or what standard output is redirected to, as the console sees it.</summary>
    private sealed class StandardOutput(TextWriter writer, bool terminal) : IAnsiConsoleOutput
    {
        private const int UsualWidth = 80, UsualHeight = 24;

        public TextWriter Writer => writer;

        public bool IsTerminal => terminal;

        public int Width => Size(static () => Console.BufferWidth, UsualWidth);

        public int Height => Size(static () => Console.BufferHeight, UsualHeight);

        public void SetEncoding(System.Text.Encoding encoding)
        {
            // The encoding of the process is the user's to choose.
        }

        // A terminal that has gone, or does not know its size.
        private static int Size(Func<int> asked, int otherwise)
        {
            try
            {
                return asked() is > 0 and var size ? size : otherwise;
            }
            catch (IOException)
            {
                return otherwise;
            }
        }
    }
}
