using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static LeapAlign.Networks.Tests.Tokenizers.TokenizerFixture;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>tokenizer_config.json and special_tokens_map.json.</summary>
public class TokenizerOptionsTests
{
    private static readonly string ClipFolder = Repository.Fixture("tokenizers", "clip");
    private static readonly string T5Folder = Repository.Fixture("tokenizers", "t5");

    [Theory]
    [InlineData("{}", 77)]
    [InlineData("""{"model_max_length": null}""", 77)]
    [InlineData("""{"model_max_length": 1000000000000000019884624838656}""", 77)]
    [InlineData("""{"model_max_length": 40}""", 40)]
    public void The_length_is_the_models(string config, int length) => Assert.Equal(length, LoadClip(config).MaxLength);

    [Fact]
    public void A_t5_tokenizer_without_a_length_takes_512() => Assert.Equal(512, Loaded(T5Tokenizer.Load(T5Folder)).MaxLength);

    [Theory]
    [InlineData("""{"pad_token": "!"}""")]
    [InlineData("""{"pad_token": {"content": "!", "normalized": false}}""")]
    public void The_pad_token_pads_and_is_found_in_the_text(string config)
    {
        var tokenizer = LoadClip(config);
        var ids = tokenizer.Encode("cat!", 8).Ids;
        Assert.Equal(0, ids[2]);
        Assert.Equal([tokenizer.EndToken, 0, 0, 0, 0], ids[3..]);
        // Where it is an ordinary character, it ends its word and is another piece.
        Assert.NotEqual(0, LoadClip("{}").Encode("cat!", 8).Ids[2]);
    }

    [Fact]
    public void Special_tokens_map_hides_the_configuration_unless_that_lists_its_added_tokens()
    {
        var folder = Copy(ClipFolder, "vocab.json", "merges.txt");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"pad_token": "<|endoftext|>"}""");
        File.WriteAllText(Path.Combine(folder, "special_tokens_map.json"), """{"pad_token": "!"}""");
        Assert.Equal(0, Loaded(ClipTokenizer.Load(folder)).Encode("", 3).Ids[2]);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"pad_token": "<|endoftext|>", "added_tokens_decoder": {}}""");
        var tokenizer = Loaded(ClipTokenizer.Load(folder));
        Assert.Equal(tokenizer.EndToken, tokenizer.Encode("", 3).Ids[2]);
    }

    [Fact]
    public void A_normalized_added_token_is_found_in_any_case()
    {
        var (first, second) = (ClipTokens.VocabularySize, ClipTokens.VocabularySize + 1);
        var tokenizer = LoadClip($$"""
            { "added_tokens_decoder": { "{{first}}": { "content": "<Sks>", "normalized": true }, "{{second}}": { "content": "<Raw>", "normalized": false } } }
            """);
        Assert.Equal([first, second], tokenizer.Encode("<SKS> <Raw>", 5).Ids[1..3]);
        Assert.DoesNotContain(second, tokenizer.Encode("<RAW>", 16).Ids);
        Assert.Equal(second + 1, tokenizer.VocabularySize);
    }

    [Fact]
    public void An_added_token_with_another_id_than_the_vocabularys_is_a_fault()
    {
        var folder = Copy(ClipFolder, "vocab.json", "merges.txt");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"added_tokens_decoder": {"7": {"content": "<Sks>"}}}""");
        Assert.False(ClipTokenizer.Load(folder).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.BadTokenizer, "tokenizer_config.json"), (fault!.Code, Path.GetFileName(fault.Place!.File)));
        Assert.Contains($"'<Sks>' has the id 7 here, but the vocabulary gives it {ClipTokens.VocabularySize}", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"tokenizer_class": "BertTokenizer"}""", "tokenizer_class", "CLIPTokenizer")]
    [InlineData("""{"fast_tokenizer_files": ["tokenizer.4.0.0.json"]}""", "fast_tokenizer_files", "tokenizer.json")]
    [InlineData("""{"vocab": {"a": 0}}""", "vocab", "absent")]
    [InlineData("""{"init_inputs": [1]}""", "init_inputs", "absent")]
    [InlineData("""{"tokenizer_truncation": {"direction": "left"}}""", "tokenizer_truncation", "absent")]
    [InlineData("""{"padding_side": 3}""", "padding_side", "left or right")]
    [InlineData("""{"split_special_tokens": "no"}""", "split_special_tokens", "true or false")]
    [InlineData("""{"extra_special_tokens": "<x>"}""", "extra_special_tokens", "list")]
    public void A_value_that_is_not_supported_is_a_fault_with_its_key(string config, string key, string word)
    {
        var folder = Copy(ClipFolder, "vocab.json", "merges.txt");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
        Assert.False(ClipTokenizer.Load(folder).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.BadTokenizer, key), (fault!.Code, fault.Place!.Key));
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_the_library_does_not_know_is_a_warning_with_the_nearest()
    {
        var folder = Copy(T5Folder, "spiece.model");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"model_max_lenght": 9, "tokenizer_class": "T5TokenizerFast", "boi_token": "<boi>", "legacy": true}""");
        List<Fault> warnings = [];
        Loaded(T5Tokenizer.Load(folder, warnings.Add));
        var warning = Assert.Single(warnings);
        Assert.Equal((FaultCodes.UnknownField, "model_max_lenght"), (warning.Code, warning.Place!.Key));
        Assert.Contains("model_max_length", warning.Message, StringComparison.Ordinal);
    }

    private static ClipTokenizer LoadClip(string config)
    {
        var folder = Copy(ClipFolder, "vocab.json", "merges.txt");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
        return Loaded(ClipTokenizer.Load(folder));
    }
}
