using Quickenshtein;

namespace LeapAlign.Networks.Formats;

/// <summary>Finds the name that was probably meant.</summary>
internal static class NearestField
{
    /// <summary>The nearest candidate within two edits, or a third of the word's length when that is more; null when none is near.</summary>
    public static string? Of(string word, IEnumerable<string> candidates)
    {
        var allowed = Math.Max(2, word.Length / 3);
        return candidates
            .Select(name => (name, distance: Levenshtein.GetDistance(word, name)))
            .Where(pair => pair.distance <= allowed && pair.distance < pair.name.Length)
            .OrderBy(pair => pair.distance).ThenBy(pair => pair.name, StringComparer.Ordinal)
            .Select(pair => pair.name)
            .FirstOrDefault();
    }
}
