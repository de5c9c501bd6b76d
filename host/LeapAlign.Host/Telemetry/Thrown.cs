using System.Globalization;
using System.Text;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeapAlign.Host.Telemetry;

/// <summary>
/// The one way from an exception that nobody expected to a fault. The fault says one line of it; all of it goes to the log, at Debug, as text: an exception would hold
/// the load context of a plugin.
/// </summary>
internal static partial class Thrown
{
    /// <summary>The category.</summary>
    public const string Category = "LeapAlign.Thrown";

    private static ILogger s_log = NullLogger.Instance;

    /// <summary>Where the texts go; nowhere before.</summary>
    public static void LogTo(ILoggerFactory loggers) => Volatile.Write(ref s_log, loggers.CreateLogger(Category));

    /// <summary>Makes the fault, and logs the exception.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="fault">Makes the fault of the exception's type and its message on one line.</param>
    public static Fault ToFault(this Exception exception, Func<string, string, Fault> fault)
    {
        var made = fault(exception.GetType().Name, Sentence(exception.Message));
        Keep(exception, made.Code);
        return made;
    }

    /// <summary>Logs an exception that becomes something else than a fault.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="about">What it is about.</param>
    public static void Keep(Exception exception, string about)
    {
        var log = Volatile.Read(ref s_log);
        if (log.IsEnabled(LogLevel.Debug)) Log(log, about, Text(exception));
    }

    // libtorch puts the frames of its own stack behind the sentence.
    private static string Sentence(string message) => message.Split("\nException raised from ")[0].ReplaceLineEndings(" ").Trim();

    // Messages hold what files of others say: a terminal must not obey it.
    private static string Text(Exception exception)
    {
        var text = new StringBuilder();
        foreach (var character in exception.ToString())
        {
            if (char.IsControl(character) && character is not ('\n' or '\r' or '\t')) text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else text.Append(character);
        }
        return text.ToString();
    }

    [LoggerMessage(1, LogLevel.Debug, "{About}: {Exception}")]
    private static partial void Log(ILogger logger, string about, string exception);
}
