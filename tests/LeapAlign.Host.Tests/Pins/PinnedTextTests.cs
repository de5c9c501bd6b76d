using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Pins;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Pins;

/// <summary>Pins come and go; what else is in the file stays byte for byte.</summary>
public sealed class PinnedTextTests
{
    private static readonly string s_pin = new('a', 64);
    private static readonly string s_other = new('b', 64);

    /// <summary>A text without a pin, and with one: § stands for the pin.</summary>
    public static TheoryData<string, string, string> Texts => new()
    {
        { "sampler", """{ "sampler": "euler" }""", """{ "sampler": { "id": "euler", "sha256": "§" } }""" },
        { "sampler", "{\"sampler\":\"eul\\u0065r\",}", "{\"sampler\":{ \"id\": \"eul\\u0065r\", \"sha256\": \"§\" },}" },
        { "sampler", """{ "sampler": { "settings": {}, "id": "euler" } }""", """{ "sampler": { "settings": {}, "id": "euler", "sha256": "§" } }""" },
        { "sampler", """{"sampler":{"id":"euler","settings":{}}}""", """{"sampler":{"id":"euler", "sha256": "§","settings":{}}}""" },
        { "sampler", "{ \"sampler\": { \"id\": \"euler\" /* ours */, \"settings\": {} } }", "{ \"sampler\": { \"id\": \"euler\", \"sha256\": \"§\" /* ours */, \"settings\": {} } }" },
        { "sampler", "{\n\t\"sampler\": {\n\t\t\"id\": \"euler\"\n\t}\n}\n", "{\n\t\"sampler\": {\n\t\t\"id\": \"euler\",\n\t\t\"sha256\": \"§\"\n\t}\n}\n" },
        { "sampler", "{\r\n  \"sampler\": {\r\n    \"id\": \"euler\",\r\n    \"settings\": {}\r\n  }\r\n}", "{\r\n  \"sampler\": {\r\n    \"id\": \"euler\",\r\n    \"sha256\": \"§\",\r\n    \"settings\": {}\r\n  }\r\n}" },
        { "sampler", "{\n  \"sampler\": {\n    \"id\": \"euler\", // the ODE\n  }\n}", "{\n  \"sampler\": {\n    \"id\": \"euler\", \"sha256\": \"§\", // the ODE\n  }\n}" },
        { "evaluation.prompts", "\uFEFF{ \"evaluation\": { \"prompts\": \"lines\" } }", "\uFEFF{ \"evaluation\": { \"prompts\": { \"id\": \"lines\", \"sha256\": \"§\" } } }" },
        { "rewards[1]", """{ "rewards": ["flat", "smooth"] // é """ + "\n}", """{ "rewards": ["flat", { "id": "smooth", "sha256": "§" }] // é """ + "\n}" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_pin_is_written_replaced_and_removed(string key, string without, string with)
    {
        var pinned = with.Replace("§", s_pin, StringComparison.Ordinal);
        Assert.Equal(pinned, With(without, key, s_pin));
        Assert.Equal(with.Replace("§", s_other, StringComparison.Ordinal), With(pinned, key, s_other));
        Assert.Equal(pinned, With(pinned, key, s_pin));
        Assert.Equal(without, With(pinned, key, null));
        Assert.Equal(without, With(without, key, null));
    }

    /// <summary>Pins that people wrote otherwise than this program does.</summary>
    [Theory]
    [InlineData("{ \"sampler\": { \"sha256\": \"§\", \"id\": \"euler\" } }", "{ \"sampler\": { \"id\": \"euler\" } }")]
    [InlineData("{ \"sampler\": {\"id\":\"euler\",\"sha256\":\"§\"} }", "{ \"sampler\": {\"id\":\"euler\"} }")]
    [InlineData("{ \"sampler\": { \"id\": \"euler\"\n  , \"sha256\": \"§\" // mine\n } }", "{ \"sampler\": { \"id\": \"euler\"\n   // mine\n } }")]
    [InlineData("{ \"sampler\": {\n  \"id\": \"euler\", // first, \"x\"\n  \"sha256\": \"§\" /* , */ , // second\n  \"settings\": {}\n} }", "{ \"sampler\": {\n  \"id\": \"euler\", // first, \"x\"\n  /* , */  // second\n  \"settings\": {}\n} }")]
    [InlineData("{ \"sampler\": {\n  \"id\": \"euler\", // first\n  \"sha256\": \"§\",\n  \"settings\": {}\n} }", "{ \"sampler\": {\n  \"id\": \"euler\", // first\n  \"settings\": {}\n} }")]
    [InlineData("{ \"sampler\": {\n  \"id\": \"euler\", // first\n  \"sha256\": \"§\"\n} }", "{ \"sampler\": {\n  \"id\": \"euler\" // first\n} }")]
    [InlineData("{ \"sampler\": {\n  \"sha256\": \"§\",\n  \"id\": \"euler\",\n} }", "{ \"sampler\": {\n  \"id\": \"euler\",\n} }")]
    public void Any_pin_can_be_removed(string with, string without) =>
        Assert.Equal(without, With(with.Replace("§", s_pin, StringComparison.Ordinal), "sampler", null));

    [Fact]
    public void Every_run_of_this_repository_comes_back_byte_for_byte()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "examples"), "*.json").Append(Path.Combine(Repository.Root, "plugins.json")).ToList();
        Assert.True(files.Count > 10);
        Assert.All(files, static file => RoundTrip(File.ReadAllBytes(file)));
    }

    [Fact]
    public void Comments_line_ends_and_orders_of_any_kind_stay() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(500),
        Prop.ForAll(Gen.Choose(0, 6).ArrayOf(24).ToArbitrary(), static choices =>
        {
            string[] gaps = ["", " ", "\n  ", "\r\n\t", " /* \"sha256\": \"x\", */ ", " // , {\n    ", "\n\n "];
            var gap = new Queue<string>(choices.Select(choice => gaps[choice]));
            string Next() => gap.Count > 0 ? gap.Dequeue() : "";
            var text = $"{{{Next()}\"rewards\":{Next()}[{Next()}\"flat\"{Next()},{Next()}{{{Next()}\"name\":\"a\"{Next()},{Next()}\"id\":{Next()}\"smooth\"{Next()},{Next()}\"weight\":{Next()}2{Next()}}}"
                + $"{Next()}]{Next()},{Next()}\"sampler\":{{{Next()}\"id\":\"euler\"{Next()}}}{Next()}}}{Next()}";
            RoundTrip(Encoding.UTF8.GetBytes(text));
        }));

    /// <summary>Written pins are read, nothing else changes, and without them the text is what it was.</summary>
    private static void RoundTrip(byte[] text)
    {
        var parts = NamedPart.In(Read(text)).ToList();
        var pins = parts.ToDictionary(static part => part.Key, part => (string?)(part.Key.Length % 2 == 0 ? s_pin : s_other));
        var pinned = PinnedText.With(text, pins);
        Assert.Equal(parts.Select(part => part with { Pin = pins[part.Key] }), NamedPart.In(Read(pinned)));
        Assert.Equal(pinned, PinnedText.With(pinned, pins));
        var removed = PinnedText.With(pinned, pins.Keys.Select(static key => KeyValuePair.Create(key, (string?)null)));
        // An id in an object of its own, written as this program would, is the one form that does not come back as it was.
        Assert.Equal(Alone(Encoding.UTF8.GetString(text)), Alone(Encoding.UTF8.GetString(removed)));
        Assert.True(JsonNode.DeepEquals(Plain(Read(text)), Plain(Read(removed))));
    }

    private static string Alone(string text) => text.Replace("{ \"id\": \"euler\" }", "\"euler\"", StringComparison.Ordinal);

    private static JsonObject Plain(JsonObject root)
    {
        foreach (var part in NamedPart.In(root).Where(static part => part.Key == "sampler" && part.Pin is null).ToList()) root[part.Key] = part.Id;
        return root;
    }

    private static JsonObject Read(byte[] text) => JsonSource.Parse("plugins.json", text).Value().Root;

    private static string With(string text, string key, string? pin) => Encoding.UTF8.GetString(PinnedText.With(Encoding.UTF8.GetBytes(text), [KeyValuePair.Create(key, pin)]));
}
