using LeapAlign.Networks.Tokenizers;
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
    public void Special_tokens_map_speaks_where_the_configuration_is_silent()
    {
        var folder = Copy(ClipFolder, "vocab.json", "merges.txt");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), "{}");
        File.WriteAllText(Path.Combine(folder, "special_tokens_map.json"), """{"pad_token": "!"}""");
        Assert.Equal(0, Loaded(ClipTokenizer.Load(folder)).Encode("", 3).Ids[2]);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"pad_token": "<|endoftext|>"}""");
        var tokenizer = Loaded(ClipTokenizer.Load(folder));
        Assert.Equal(tokenizer.EndToken, tokenizer.Encode("", 3).Ids[2]);
    }

    [Fact]
    public void A_normalized_added_token_is_found_in_any_case()
    {
        var tokenizer = LoadClip("""{"added_tokens_decoder": {"7": {"content": "<Sks>", "normalized": true}, "8": {"content": "<Raw>", "normalized": false}}}""");
        Assert.Equal([7L, 8L], tokenizer.Encode("<SKS> <Raw>", 5).Ids[1..3]);
        Assert.DoesNotContain(8L, tokenizer.Encode("<RAW>", 16).Ids);
    }

    private static ClipTokenizer LoadClip(string config)
    {
        var folder = Copy(ClipFolder, "vocab.json", "merges.txt");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
        return Loaded(ClipTokenizer.Load(folder));
    }
}
