using Quickenshtein;

namespace LeapAlign.Host.Configuration;

/// <summary>Finds the name that was probably meant.</summary>
internal static class NearestName
{
    /// <summary>The nearest candidate within two edits, or a third of the word's length when that is more; null when none is near.</summary>
    public static string? Of(string word, IEnumerable<string> candidates)
    {
        var allowed = Math.Max(2, word.Length / 3);
        var lower = word.ToLowerInvariant();
        return candidates
            .Select(name => (name, distance: Levenshtein.GetDistance(lower, name.ToLowerInvariant())))
            .Where(pair => pair.distance <= allowed && pair.distance < pair.name.Length)
            .OrderBy(pair => pair.distance).ThenBy(pair => pair.name, StringComparer.Ordinal)
            .Select(pair => pair.name)
            .FirstOrDefault();
    }

    /// <summary><c>; did you mean 'x'?</c> or <c>; known are 'a', 'b'</c>, to be put at the end of a sentence.</summary>
    public static string Hint(string word, IEnumerable<string> candidates)
    {
        var names = candidates.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        if (Of(word, names) is { } nearest) return $"; did you mean '{nearest}'?";
        return names.Length == 0 ? "; there is none" : $"; known are {string.Join(", ", names.Select(name => $"'{name}'"))}";
    }
}
