using LeapAlign.Host.Telemetry;

namespace LeapAlign.Host.Diagnostics;

/// <summary>One line of <c>doctor</c>.</summary>
/// <param name="What">What was looked at.</param>
/// <param name="IsWell">Whether it is as it should be.</param>
/// <param name="Detail">What was seen.</param>
internal sealed record Finding(string What, bool IsWell, string Detail)
{
    /// <summary>Looks, and takes what is thrown for an answer.</summary>
    public static Finding Of(string what, Func<string> look)
    {
        try
        {
            return new(what, true, look());
        }
        catch (Exception failure)
        {
            Thrown.Keep(failure, what);
            var reasons = new List<string>();
            for (var cause = failure; cause is not null; cause = cause.InnerException) reasons.Add($"{cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}");
            return new(what, false, string.Join("; because ", reasons));
        }
    }
}
