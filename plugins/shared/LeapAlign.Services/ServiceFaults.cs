using System.Globalization;
using System.Net;
using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.Services;

/// <summary>What can be wrong with a service, in words. None of them holds the token.</summary>
/// <param name="part">The part's name in the run.</param>
/// <param name="endpoint">The service.</param>
public sealed class ServiceFaults(string part, Endpoint endpoint)
{
    private const int ExcerptLength = 200;

    private string Service => $"reward '{part}': {endpoint.Shown}";

    /// <summary>No connection, or one that broke.</summary>
    public FaultException Unreachable(string reason, int attempts) =>
        Make(FaultCodes.ServiceUnreachable, $"{Service} could not be reached in {Attempts(attempts)}: {Clean(reason)}");

    /// <summary>No whole answer in time.</summary>
    public FaultException TooSlow(double seconds, int attempts) =>
        Make(FaultCodes.ServiceTooSlow, string.Create(CultureInfo.InvariantCulture, $"{Service} did not answer within {seconds} s in {Attempts(attempts)}"));

    /// <summary>A status that is no success.</summary>
    /// <param name="status">The status.</param>
    /// <param name="body">The beginning of the answer.</param>
    /// <param name="wait">How long the service asks to wait, when that is too long.</param>
    /// <param name="attempts">How often it was asked.</param>
    public FaultException Refused(HttpStatusCode status, ReadOnlySpan<byte> body, TimeSpan? wait, int attempts)
    {
        var asks = wait is { } time ? string.Create(CultureInfo.InvariantCulture, $" and asks to wait {time.TotalSeconds:F0} s, longer than longestWait") : "";
        var redirect = (int)status is >= 300 and < 400 ? "; redirects are not followed" : "";
        return Make(FaultCodes.ServiceRefused, $"{Service} answered {(int)status} {status} in {Attempts(attempts)}{asks}{redirect}: {Excerpt(body)}");
    }

    /// <summary>More bytes than are read.</summary>
    public FaultException TooLarge(int limit) =>
        Make(FaultCodes.AnswerTooLarge, $"{Service} answered with more than maxResponseBytes ({limit} bytes)");

    /// <summary>An answer that is not the protocol's.</summary>
    /// <param name="what">What is wrong with it.</param>
    public FaultException Malformed(string what) => Make(FaultCodes.BadAnswer, $"{Service} {what}");

    /// <summary>A score outside the declared range.</summary>
    public FaultException OutOfRange(double score, string caption, double? minimum, double? maximum)
    {
        var range = string.Create(CultureInfo.InvariantCulture, $"[{minimum ?? double.NegativeInfinity}, {maximum ?? double.PositiveInfinity}]");
        return Make(
            FaultCodes.ScoreOutOfRange,
            string.Create(CultureInfo.InvariantCulture, $"{Service} scored a picture of '{Clean(caption)}' {score:R}, outside the declared range {range}"));
    }

    /// <summary>A caption as faults show it.</summary>
    public string Caption(string caption)
    {
        ArgumentNullException.ThrowIfNull(caption);
        return $"'{Clean(caption)}'";
    }

    /// <summary>The beginning of an answer, on one line.</summary>
    public string Excerpt(ReadOnlySpan<byte> body) => body.IsEmpty ? "(no text)" : $"'{Clean(Encoding.UTF8.GetString(body))}'";

    // Control characters of a service would move the cursor of a terminal; the token goes before the text is cut, or half of it could remain.
    private string Clean(string text)
    {
        var line = string.Concat(endpoint.Redact(text).Select(static character => char.IsControl(character) ? ' ' : character)).Trim();
        return line.Length <= ExcerptLength ? line : line[..ExcerptLength];
    }

    private static string Attempts(int count) => count == 1 ? "1 attempt" : $"{count} attempts";

    private static FaultException Make(string code, string message) => new(new Fault.Run(code, message));
}
