using System.Globalization;

namespace LeapAlign.Rewards.Ocr;

/// <summary>How much of a text is as it should be.</summary>
internal static class TextMatch
{
    /// <summary>
    /// 1 − d / n: d the Levenshtein distance over characters as a reader counts them (Unicode text elements), n the length of the longer text. White space counts as one space,
    /// and as none at both ends.
    /// </summary>
    /// <param name="asked">The text that should be read.</param>
    /// <param name="read">The text that is.</param>
    /// <param name="ignoreCase">Whether capital and small letters are the same.</param>
    /// <returns>1 for equal texts, 0 where nothing is in common.</returns>
    public static double Score(string asked, string read, bool ignoreCase)
    {
        var (first, second) = (Elements(asked, ignoreCase), Elements(read, ignoreCase));
        var longer = Math.Max(first.Length, second.Length);
        return longer == 0 ? 1 : 1 - (Distance(first, second) / (double)longer);
    }

    private static string[] Elements(string text, bool ignoreCase)
    {
        var collapsed = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var elements = StringInfo.GetTextElementEnumerator(ignoreCase ? collapsed.ToUpperInvariant() : collapsed);
        List<string> list = [];
        while (elements.MoveNext()) list.Add(elements.GetTextElement());
        return [.. list];
    }

    // One row of the table at a time: row[j] is the distance of what was seen of the first text to j elements of the second.
    private static int Distance(string[] first, string[] second)
    {
        var row = Enumerable.Range(0, second.Length + 1).ToArray();
        for (var i = 0; i < first.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i + 1;
            for (var j = 0; j < second.Length; j++)
            {
                var changed = diagonal + (string.Equals(first[i], second[j], StringComparison.Ordinal) ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = Math.Min(changed, 1 + Math.Min(row[j], row[j + 1]));
            }
        }
        return row[^1];
    }
}
