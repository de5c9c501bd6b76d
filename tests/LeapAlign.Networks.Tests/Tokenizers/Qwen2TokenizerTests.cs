using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>The tokenizer of Qwen's models, and the message that captions are put into, against transformers.</summary>
public sealed class Qwen2TokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-qwen-").FullName;
    private readonly JsonElement _recorded = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("qwen3-text", "tokens.json"))).RootElement;

    public Qwen2TokenizerTests() => Repository.CopyFolder(Repository.Fixture("qwen3-text", "tokenizer"), _folder);

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("vocab.json")]
    public void Texts_have_the_recorded_ids(string form)
    {
        var added = AddedTokens();
        if (form == "vocab.json")
        {
            // The parts do not say the added tokens.
            File.Delete(Path.Combine(_folder, "tokenizer.json"));
            SetConfig("added_tokens_decoder", added);
        }
        var tokenizer = Load();
        var strings = _recorded.GetProperty("strings").EnumerateArray().Select(static text => text.GetString()!).ToArray();
        var ids = _recorded.GetProperty("ids").EnumerateArray().ToArray();
        Assert.NotEmpty(strings);
        foreach (var (text, expected) in strings.Zip(ids)) Assert.Equal(Numbers(expected), tokenizer.Encode(text));
        foreach (var token in _recorded.GetProperty("special").EnumerateObject()) Assert.Equal([token.Value.GetInt32()], tokenizer.Encode(token.Name));
        Assert.Equal(_recorded.GetProperty("pad_id").GetInt32(), tokenizer.Pad);
    }

    [Fact]
    public void Captions_are_asked_as_the_pipeline_asks_them()
    {
        var (tokenizer, length) = (Load(), _recorded.GetProperty("length").GetInt32());
        foreach (var chat in _recorded.GetProperty("chat").EnumerateArray())
        {
            var asked = QwenChat.Asking(chat.GetProperty("prompt").GetString()!);
            var expected = chat.GetProperty("z-image");
            Assert.Equal(expected.GetProperty("text").GetString(), asked);
            var own = Numbers(expected.GetProperty("mask")).Sum();
            var (ids, wasCut) = tokenizer.Encode(asked, length);
            Assert.Equal(Numbers(expected.GetProperty("ids"))[..own], ids);
            Assert.Equal(tokenizer.Encode(asked).Count > length, wasCut);
        }
    }

    [Fact]
    public void The_beginning_is_lost_where_the_files_say_so()
    {
        SetConfig("truncation_side", "left");
        var text = _recorded.GetProperty("strings").EnumerateArray().Select(static text => text.GetString()!).MaxBy(static text => text.Length)!;
        var tokenizer = Load();
        var all = tokenizer.Encode(text);
        Assert.Equal(all.TakeLast(3), tokenizer.Encode(text, 3).Ids);
        Assert.True(tokenizer.Encode(text, 3).WasCut);
        Assert.False(tokenizer.Encode(text, all.Count).WasCut);
    }

    [Theory]
    [InlineData("a\U00020000b", new[] { "a\U00020000b" })]
    [InlineData(" \U00020000", new[] { " \U00020000" })]
    [InlineData("\U0001d7d8\U0001d7d9", new[] { "\U0001d7d8", "\U0001d7d9" })]
    [InlineData("a \U0001f98a\U0001f98a\n\nb", new[] { "a", " \U0001f98a\U0001f98a\n\n", "b" })]
    [InlineData("it's  12\r\n x", new[] { "it", "'s", " ", " ", "1", "2", "\r\n", " x" })]
    public void Code_points_beyond_the_first_plane_are_letters_numbers_and_symbols_too(string text, string[] words) => Assert.Equal(words, QwenText.Words(text));

    [Theory]
    [InlineData("tokenizer_class", "\"LlamaTokenizer\"", "Qwen2Tokenizer")]
    [InlineData("add_prefix_space", "true", "add_prefix_space")]
    [InlineData("padding_side", "\"up\"", "padding_side")]
    public void A_configuration_that_is_not_known_is_refused(string key, string value, string words)
    {
        SetConfig(key, JsonNode.Parse(value));
        Refused(words);
    }

    [Fact]
    public void A_template_is_one_of_Qwen3s_or_refused()
    {
        var file = Path.Combine(_folder, "chat_template.jinja");
        var template = File.Exists(file) ? File.ReadAllText(file) : JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "tokenizer_config.json")))!["chat_template"]!.GetValue<string>();
        File.Delete(file);
        SetConfig("chat_template", template);
        Load();
        SetConfig("chat_template", new JsonArray(new JsonObject { ["name"] = "tools", ["template"] = "x" }, new JsonObject { ["name"] = "default", ["template"] = template }));
        Load();
        SetConfig("chat_template", template.Replace("<think>", "", StringComparison.Ordinal));
        Refused("chat_template");
        SetConfig("chat_template", "You are Qwen. " + template);
        Refused("chat_template");
        SetConfig("chat_template", null);
        Refused("missing");
        File.WriteAllText(file, "{{ messages[0].content }}");
        Refused("no template of Qwen3's");
    }

    [Fact]
    public void A_vocabulary_without_a_byte_is_refused()
    {
        var path = Path.Combine(_folder, "tokenizer.json");
        var whole = JsonNode.Parse(File.ReadAllText(path))!;
        whole["model"]!["vocab"]!.AsObject().Remove("\u00ff");
        File.WriteAllText(path, whole.ToJsonString());
        Refused("stands for a byte");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Qwen2Tokenizer Load() => Recording.Require(Qwen2Tokenizer.Load(_folder, static fault => Assert.Fail(fault.ToString())));

    private void Refused(string words)
    {
        var fault = Qwen2Tokenizer.Load(_folder).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.BadTokenizer, fault?.Code);
        Assert.Contains(words, fault!.Message, StringComparison.Ordinal);
    }

    private JsonObject AddedTokens()
    {
        var all = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "tokenizer.json")))!["added_tokens"]!.AsArray();
        return new JsonObject(all.Select(static token => KeyValuePair.Create(token!["id"]!.ToString(), (JsonNode?)token.DeepClone())));
    }

    private void SetConfig(string key, JsonNode? value)
    {
        var path = Path.Combine(_folder, "tokenizer_config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config[key] = value;
        File.WriteAllText(path, config.ToJsonString());
    }

    private static int[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(static number => number.GetInt32())];
}
