using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace LeapAlign.Host.Sweeps;

/// <summary>
/// Short names of members, made of what differs between them: <c>seed=1,algorithm=draft</c>. They are names of folders in every system: letters without accents, digits and <c>. _ - + = ,</c>, and no two that
/// differ in capitals alone. A further value of an axis does not change the names of members that were there.
/// </summary>
internal static class MemberNames
{
    private const int LongestWord = 40;
    private const int LongestName = 160;

    /// <summary>Names members.</summary>
    /// <param name="members">The sets of each; no two have the same.</param>
    /// <param name="alone">The name of one that has nothing of its own.</param>
    /// <returns>One name for each, in order; no two are the same.</returns>
    public static IReadOnlyList<string> Of(IReadOnlyList<IReadOnlyList<SweepSet>> members, string alone)
    {
        var keys = members.SelectMany(static sets => sets).Select(static set => set.Path).Distinct(StringComparer.Ordinal)
            .Where(path => members.Select(sets => sets.FirstOrDefault(set => set.Path == path)?.Json).Distinct(StringComparer.Ordinal).Skip(1).Any())
            .ToList();
        var labels = Distinct(keys, path => Safe(Shortest(path, keys)));
        var words = keys.ToDictionary(static path => path, path => Distinct(
            [.. members.SelectMany(static sets => sets).Where(set => set.Path == path).DistinctBy(static set => set.Json, StringComparer.Ordinal)],
            static set => Word(set.Value),
            static set => set.Json), StringComparer.Ordinal);
        return [.. members.Select(sets => Shortened(string.Join(',', keys
            .Select(path => sets.FirstOrDefault(set => set.Path == path))
            .OfType<SweepSet>()
            .Select(set => $"{labels[set.Path]}={words[set.Path][set.Json]}")), alone))];
    }

    // The fewest names from the end of the path that no other key ends with.
    private static string Shortest(string path, IReadOnlyList<string> all)
    {
        var names = path.Split('.');
        return Enumerable.Range(1, names.Length)
            .Select(count => string.Join('.', names[^count..]))
            .First(end => all.All(other => other == path || (other != end && !other.EndsWith($".{end}", StringComparison.Ordinal))));
    }

    private static string Word(JsonNode? value) => value switch
    {
        JsonObject part when Text(part["name"]) is { } name => Safe(name),
        JsonObject part when Text(part["id"]) is { } id => Safe(id),
        JsonArray list => Safe(string.Join('+', list.Select(Word))),
        JsonObject => "object",
        _ => Safe(Text(value) ?? value?.ToJsonString() ?? "null"),
    };

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static string Safe(string text)
    {
        var safe = new string([.. text.Select(static character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-' or '+' ? character : '-')]);
        return safe.Length == 0 ? "empty" : safe.Length > LongestWord ? safe[..LongestWord] : safe;
    }

    // What has the same word as one before it gets a number behind it.
    private static Dictionary<string, string> Distinct(IReadOnlyList<string> items, Func<string, string> word) => Distinct(items, word, static item => item);

    private static Dictionary<string, string> Distinct<T>(IReadOnlyList<T> items, Func<T, string> word, Func<T, string> key)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var words = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            var (plain, unique) = (word(item), word(item));
            for (var number = 2; !taken.Add(unique); number++) unique = string.Create(CultureInfo.InvariantCulture, $"{plain}-{number}");
            words[key(item)] = unique;
        }
        return words;
    }

    private static string Shortened(string name, string alone)
    {
        if (name.Length == 0) return alone;
        return name.Length <= LongestName ? name : $"{name[..LongestName]}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8]}";
    }
}
