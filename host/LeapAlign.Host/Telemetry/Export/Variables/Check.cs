using System.Globalization;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Telemetry.Export.Variables;

/// <summary>Says what is wrong with the value of a variable; null when nothing is.</summary>
/// <param name="value">The value, not empty.</param>
internal delegate string? Check(string value);

/// <summary>What variables of OpenTelemetry can hold.</summary>
internal static class Checks
{
    /// <summary>Any text.</summary>
    public static Check Anything { get; } = static _ => null;

    /// <summary>The address of a receiver.</summary>
    public static Check Address { get; } = static value =>
        Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
            ? null
            : "is no address of a receiver, which is whole and begins with http:// or https://";

    /// <summary>Pairs <c>name=value</c> between commas, percent-encoded, which a request can carry.</summary>
    public static Check Headers { get; } = static value =>
    {
        var number = 0;
        foreach (var pair in value.Split(',', StringSplitOptions.TrimEntries))
        {
            number++;
            if (pair.Length > 0 && !IsHeader(Uri.UnescapeDataString(pair))) return $"is no list of headers: part {number} is not name=value, or not what a request can carry (headers hold secrets, so that the value is not shown)";
        }
        return null;
    };

    /// <summary>Pairs <c>key=value</c> between commas, percent-encoded.</summary>
    public static Check Attributes { get; } = static value =>
        value.Split(',', StringSplitOptions.TrimEntries).FirstOrDefault(static pair => pair.Length > 0 && pair.IndexOf('=', StringComparison.Ordinal) < 1) is { } bad
            ? $"is no list of attributes: {Quoted.Words(bad)} is not key=value"
            : null;

    /// <summary>Words between commas, each among those that are known.</summary>
    public static Check Words(params string[] known) => value =>
        value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault(word => !known.Contains(word, StringComparer.OrdinalIgnoreCase)) is { } bad
            ? $"names {Quoted.Words(bad)}, which is not known here{NearestName.Hint(bad, known)}"
            : null;

    /// <summary>One word among those that are known.</summary>
    public static Check Word(params string[] known) => value =>
        known.Contains(value, StringComparer.OrdinalIgnoreCase) ? null : $"is not known here{NearestName.Hint(value, known)}";

    /// <summary>A whole number.</summary>
    /// <param name="least">The least that it may be.</param>
    /// <param name="most">The most.</param>
    public static Check Number(int least, int most = int.MaxValue) => value =>
        int.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"is no whole number from {least} to {most}");

    /// <summary>A share from 0 to 1.</summary>
    public static Check Share { get; } = static value =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? null : "is no number from 0 to 1";

    /// <summary>Nothing that it could hold has an effect here.</summary>
    public static Check NoEffect { get; } = static _ => "has no effect here";

    // Asked of the class that carries it: what it refuses, it refuses while telemetry is sent.
    private static bool IsHeader(string pair)
    {
        var equals = pair.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1 || pair.Any(static character => !char.IsAscii(character))) return false;
        try
        {
            using var request = new HttpRequestMessage();
            request.Headers.Add(pair[..equals].Trim(), pair[(equals + 1)..].Trim());
            return true;
        }
        catch (Exception refused) when (refused is FormatException or InvalidOperationException)
        {
            return false;
        }
    }
}
