using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Tests.Configuration;

/// <summary>
/// No text makes the configuration throw. LEAPALIGN_FUZZ sets how many cases each property tries (default 700).
/// </summary>
public sealed class ConfigurationFuzzTests
{
    private static readonly int s_cases = int.TryParse(Environment.GetEnvironmentVariable("LEAPALIGN_FUZZ"), out var cases) ? cases : 700;

    private static readonly string[] s_words =
    [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "/*", "*/", "//", "\n", "null", "true", "-", "1e999", "-1e999", "1e-999", "99999999999999999999", "-0", "0.5", "1.0", "2147483648",
        "\"id\"", "\"settings\"", "\"rewards\"", "\"name\"", "\"canvas\"", "\"\\ud800\"", "\"\\u0000\"", "\u0000", "é", "NaN", "'", "\"x\":", "[[[[[[[[", "{\"a\":{\"a\":{\"a\":", "\"$ref\"", "\"run\"",
    ];

    // Plugins are loaded once; composing never changes a configured one unless it throws, which none of these parts does.
    private static readonly Composer s_composer = new(TestWorkspace.Shared);

    [Fact]
    public void Bytes_changed_at_random_never_crash() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(s_cases),
        Prop.ForAll(Edits(), edits =>
        {
            var text = new StringBuilder(Full());
            foreach (var (position, length, what) in edits)
            {
                var at = position % (text.Length + 1);
                text.Remove(at, Math.Min(length, text.Length - at)).Insert(at, what);
            }
            Compose(Encoding.UTF8.GetBytes(text.ToString()));
        }));

    [Fact]
    public void Values_replaced_at_random_never_crash() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(s_cases),
        Prop.ForAll(Edits(), edits =>
        {
            var root = JsonNode.Parse(Full())!;
            foreach (var (position, length, what) in edits)
            {
                var nodes = Below(root).ToArray();
                if (nodes.Length == 0) break;
                nodes[position % nodes.Length].ReplaceWith(Value(length, what, root));
            }
            Compose(Encoding.UTF8.GetBytes(root.ToJsonString()));
        }));

    [Fact]
    public void Overrides_made_at_random_never_crash() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(s_cases),
        Prop.ForAll(Edits(), edits =>
        {
            string[] names = ["run", "rewards", "0", "1", "judge", "settings", "algorithm", "[0]", "steps", "id", "evaluation", "prompts", "x", "", "channels"];
            var overrides = edits.Select(edit => $"{names[edit.Where % names.Length]}.{names[edit.Length % names.Length]}.{names[edit.Where / 7 % names.Length]}={edit.What}");
            Compose(Encoding.UTF8.GetBytes(Full()), overrides);
        }));

    [Fact]
    public void Invalid_bytes_never_crash() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(s_cases),
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes => Compose([.. Encoding.UTF8.GetBytes("{\"run\":"), .. bytes])));

    private static string Full()
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, "evaluation.prompts=lines", "rewards=[\"smooth\",{\"id\":\"flat\",\"name\":\"judge\",\"role\":\"heldOut\"}]");
        return s_full ??= plan.Value().ResolvedJson;
    }

    private static string? s_full;

    private static void Compose(byte[] utf8, params IEnumerable<string> overrides)
    {
        var source = overrides.Aggregate(JsonSource.Parse("plugins.json", utf8), (read, text) => LeapAlign.Pipeline.Result.Bind(read, found => Override.Apply(found, text)));
        var outcome = LeapAlign.Pipeline.Result.Bind(source, s_composer.Compose);
        // Whatever it says, it says it in a sentence with a place.
        outcome.Match(plan => plan.ResolvedJson.Length, fault =>
        {
            Assert.NotNull(fault.Place);
            Assert.Matches("^LA[0-9]{4}$", fault.Code);
            Assert.DoesNotContain('\n', fault.Message);
            return 0;
        });
    }

    private static IEnumerable<JsonNode> Below(JsonNode node)
    {
        IEnumerable<JsonNode?> children = node switch { JsonObject keys => keys.Select(pair => pair.Value), JsonArray items => items, _ => [] };
        return children.OfType<JsonNode>().SelectMany(child => Below(child).Prepend(child));
    }

    private static JsonNode? Value(int kind, string word, JsonNode root) => (kind % 12) switch
    {
        0 => null,
        1 => JsonValue.Create(word),
        2 => new JsonArray(),
        3 => new JsonObject(),
        4 => JsonValue.Create(double.MaxValue),
        5 => JsonValue.Create(-1),
        6 => JsonValue.Create(long.MaxValue),
        7 => JsonValue.Create(double.Epsilon),
        8 => JsonValue.Create(true),
        9 => new JsonObject { ["id"] = word, ["settings"] = new JsonObject { [word] = 1 } },
        10 => root.DeepClone(),
        _ => JsonNode.Parse(string.Create(CultureInfo.InvariantCulture, $"[{kind}, \"x\", null]")),
    };

    private static Arbitrary<(int Where, int Length, string What)[]> Edits()
    {
        var edit =
            from position in Gen.Choose(0, 100_000)
            from length in Gen.Choose(0, 11)
            from what in Gen.Elements(s_words)
            select (position, length, what);
        return edit.ArrayOf().Where(edits => edits.Length is > 0 and < 8).ToArbitrary();
    }
}
