using System.Globalization;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Fuzz.Mutation;

/// <summary>Changes of a JSON value that keep its form, or nearly: what people, scripts and attackers do to a configuration.</summary>
/// <param name="words">Texts that mean something to the target, so that a change may be one that is accepted.</param>
internal sealed class JsonMutation(IReadOnlyList<string> words)
{
    private static readonly string[] s_numbers =
    [
        "0", "-0", "1", "-1", "2", "0.5", "1e-300", "5e-324", "1e308", "1e309", "-1e999", "1e-999", "2147483647", "2147483648", "-2147483649", "4294967296", "9007199254740993",
        "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999999999", "1.0", "1E2", "0.1e1", "1.00000000000000000000000000001",
    ];

    private static readonly string[] s_oddNames =
    [
        "\"\"", "\"\\u0000\"", "\"\\u001b[31m\"", "\"\\ud800\"", "\"__proto__\"", "\"$ref\"", "\"$schema\"", "\"a.b\"", "\"[0]\"", "\"rewards[0]\"", "\"#/\"", "\"'\"", "\"\u202e\"", "\"\\n\"",
    ];

    /// <summary>Changes a value in one way.</summary>
    public void Apply(JsonTree root, KeyedRandom random)
    {
        var slots = root.Slots().ToList();
        if (slots.Count == 0) return;
        var (parent, slot) = Pick(slots, random);
        switch (random.NextInt(0, 14))
        {
            case 0:
                parent.Children.Remove(slot);
                break;
            case 1:
                parent.Children.Insert(random.NextInt(0, parent.Children.Count + 1), new(slot.Name, slot.Value.Clone()));
                break;
            case 2 when slot.Name is not null:
                slot.Name = Rename(slot.Name, slots, random);
                break;
            case 3 when parent.Kind == '{':
                parent.Children.Insert(random.NextInt(0, parent.Children.Count + 1), new(Rename(slot.Name!, slots, random), Value(random)));
                break;
            case 4:
                slot.Value = JsonTree.Scalar(Pick(s_numbers, random));
                break;
            case 5:
                slot.Value = Nested(slot.Value, random);
                break;
            case 6:
                slot.Value = JsonTree.Scalar(Long(random));
                break;
            case 7:
                var other = Pick(slots, random).Slot;
                (slot.Value, other.Value) = (other.Value.Clone(), slot.Value.Clone());
                break;
            case 8:
                slot.Value = Pick(slots, random).Slot.Value.Clone();
                break;
            case 9:
                slot.Value = Value(random);
                break;
            default:
                Gently(root, random);
                break;
        }
    }

    /// <summary>Changes a value in a way that is often allowed: another number, another known word, another order.</summary>
    public void Gently(JsonTree root, KeyedRandom random)
    {
        var slots = root.Slots().ToList();
        if (slots.Count == 0) return;
        var (parent, slot) = Pick(slots, random);
        var raw = slot.Value.Raw;
        if (slot.Value.Kind != 's') slot.Value.Children.Reverse();
        else if (double.TryParse(raw, CultureInfo.InvariantCulture, out var number)) slot.Value.Raw = Nudge(number, random);
        else if (raw is "true" or "false") slot.Value.Raw = raw == "true" ? "false" : "true";
        else if (raw.StartsWith('"') && words.Count > 0 && random.NextInt(0, 2) == 0) slot.Value.Raw = JsonTree.JsonText(Pick(words, random));
        else parent.Children.Reverse();
    }

    /// <summary>One of several.</summary>
    public static T Pick<T>(IReadOnlyList<T> several, KeyedRandom random) => several[random.NextInt(0, several.Count)];

    private static string Nudge(double number, KeyedRandom random) => (random.NextInt(0, 6) switch
    {
        0 => number * 2,
        1 => number / 2,
        2 => number + 1,
        3 => number - 1,
        4 => -number,
        _ => random.NextInt(0, 100),
    }).ToString("R", CultureInfo.InvariantCulture);

    private string Rename(string name, List<(JsonTree Parent, JsonSlot Slot)> slots, KeyedRandom random)
    {
        var at = random.NextInt(1, Math.Max(2, name.Length - 1));
        return random.NextInt(0, 7) switch
        {
            0 => Pick(s_oddNames, random),
            1 => Pick(slots, random).Slot.Name ?? "\"x\"",
            2 => name.Length > 3 ? name.Remove(at, 1) : "\"\"",
            3 => name.Insert(at, "x"),
            4 => name.ToUpperInvariant(),
            5 => Long(random),
            _ => words.Count > 0 ? JsonTree.JsonText(Pick(words, random)) : "\"y\"",
        };
    }

    private JsonTree Value(KeyedRandom random) => random.NextInt(0, 9) switch
    {
        0 => JsonTree.Scalar("null"),
        1 => JsonTree.Scalar("true"),
        2 => JsonTree.Of('['),
        3 => JsonTree.Of('{'),
        4 => JsonTree.Scalar(Pick(s_oddNames, random)),
        5 => JsonTree.Of('{', new JsonSlot("\"id\"", JsonTree.Scalar("\"x\""))),
        6 => JsonTree.Of('[', new JsonSlot(null, JsonTree.Scalar(Pick(s_numbers, random)))),
        7 when words.Count > 0 => JsonTree.Scalar(JsonTree.JsonText(Pick(words, random))),
        _ => JsonTree.Scalar(Pick(s_numbers, random)),
    };

    private static JsonTree Nested(JsonTree value, KeyedRandom random)
    {
        // Around the depth that the platform's reader allows, and seldom far beyond.
        var depth = Pick([1, 2, 30, 58, 60, 61, 62, 63, 64, 65, 300, random.NextInt(0, 50) == 0 ? 100_000 : 3], random);
        var (open, close) = random.NextInt(0, 2) == 0 ? ("[", "]") : ("{\"a\":", "}");
        return depth > 1000
            ? JsonTree.Scalar(string.Concat(Enumerable.Repeat(open, depth)))
            : JsonTree.Scalar($"{string.Concat(Enumerable.Repeat(open, depth))}{System.Text.Encoding.UTF8.GetString(value.ToBytes(""))}{string.Concat(Enumerable.Repeat(close, depth))}");
    }

    private static string Long(KeyedRandom random)
    {
        var length = Pick([61, 300, 5_000, random.NextInt(0, 30) == 0 ? 1_000_000 : 70], random);
        return $"\"{string.Concat(Enumerable.Repeat(Pick(["a", "é", "\\u001b", "../", " ", "😀"], random), length))}\"";
    }
}
