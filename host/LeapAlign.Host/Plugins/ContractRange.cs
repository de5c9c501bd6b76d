using System.Text.RegularExpressions;

namespace LeapAlign.Host.Plugins;

/// <summary>A range of versions in interval notation: <c>[1.0,2.0)</c> takes 1.0 and everything below 2.0.</summary>
/// <param name="Low">The lower end; null is unbounded.</param>
/// <param name="TakesLow">Whether the lower end belongs to the range.</param>
/// <param name="High">The upper end; null is unbounded.</param>
/// <param name="TakesHigh">Whether the upper end belongs to the range.</param>
internal sealed partial record ContractRange(Version? Low, bool TakesLow, Version? High, bool TakesHigh)
{
    /// <summary>A range without any version.</summary>
    public static ContractRange Nothing { get; } = new(new(0, 0), false, new(0, 0), false);

    /// <summary>Whether a version is in the range. Only major and minor count.</summary>
    public bool Contains(Version version)
    {
        var asked = new Version(version.Major, version.Minor);
        var above = Low is null || asked > Low || (TakesLow && asked == Low);
        var below = High is null || asked < High || (TakesHigh && asked == High);
        return above && below;
    }

    /// <summary>Reads interval notation.</summary>
    public static bool TryParse(string text, out ContractRange range)
    {
        range = Nothing;
        var match = Interval().Match(text);
        if (!match.Success || !TryVersion(match.Groups["low"].Value, out var low) || !TryVersion(match.Groups["high"].Value, out var high)) return false;
        if (low is not null && high is not null && low > high) return false;
        range = new(low, match.Groups["open"].Value == "[", high, match.Groups["close"].Value == "]");
        return true;
    }

    private static bool TryVersion(string text, out Version? version)
    {
        version = null;
        if (text.Length == 0) return true;
        if (!Version.TryParse(text.Contains('.', StringComparison.Ordinal) ? text : $"{text}.0", out var parsed)) return false;
        version = new(parsed.Major, parsed.Minor);
        return true;
    }

    [GeneratedRegex(@"^(?<open>[\[(])\s*(?<low>[0-9.]*)\s*,\s*(?<high>[0-9.]*)\s*(?<close>[\])])$")]
    private static partial Regex Interval();
}
