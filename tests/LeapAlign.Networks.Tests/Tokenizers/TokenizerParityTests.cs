using LeapAlign.Networks.Tokenizers;
using LeapAlign.Testing;
using static LeapAlign.Networks.Tests.Tokenizers.TokenizerFixture;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>Ids recorded from transformers and SentencePiece, exactly.</summary>
public class TokenizerParityTests
{
    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        for (var i = 0; i < Strings.Length; i++)
        {
            cases.Add("clip", i);
            cases.Add("open_clip", i);
            cases.Add("t5", i);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ids_are_the_recorded_ones(string column, int index)
    {
        var expected = Ids(column)[index];
        var tokenizer = column == "clip" ? ClipTokens : column == "t5" ? T5Tokens : OpenClipTokens;
        Assert.Equal(expected, tokenizer.Encode(Strings[index], expected.Length).Ids);
    }

    [Fact]
    public void Both_forms_of_a_clip_tokenizer_agree()
    {
        var folder = Repository.Fixture("pipeline-flux", "model", "tokenizer");
        var parts = Loaded(ClipTokenizer.Load(Copy(folder, "vocab.json", "merges.txt", "tokenizer_config.json")));
        var whole = Loaded(ClipTokenizer.Load(Copy(folder, "tokenizer.json", "tokenizer_config.json")));
        Agree(parts, whole);
    }

    [Fact]
    public void Both_forms_of_a_t5_tokenizer_agree()
    {
        var folder = Repository.Fixture("pipeline-flux", "model", "tokenizer_2");
        var parts = Loaded(T5Tokenizer.Load(Copy(folder, "spiece.model", "tokenizer_config.json")));
        var whole = Loaded(T5Tokenizer.Load(Copy(folder, "tokenizer.json", "tokenizer_config.json")));
        Agree(parts, whole);
    }

    [Theory]
    [InlineData("tiny-sd3/tokenizer")]
    [InlineData("tiny-sd3/tokenizer_2")]
    [InlineData("tiny-clip-reward")]
    [InlineData("tiny-clip-judge")]
    public void The_embedded_clip_tokenizers_know_every_word_of_the_captions(string folder)
    {
        var tokenizer = Loaded(ClipTokenizer.Load(Path.Combine(Repository.Models, folder)));
        var encoded = tokenizer.Encode("two red circles above a blue square", tokenizer.MaxLength);
        // Begin, one token a word, end: the rest is padding, which is the end token.
        Assert.Equal(9, encoded.Ids.TakeWhile(id => id != tokenizer.EndToken).Count() + 1);
        Assert.False(encoded.WasCut);
    }

    [Fact]
    public void The_embedded_t5_tokenizer_knows_every_character_of_the_captions()
    {
        var tokenizer = Loaded(T5Tokenizer.Load(Path.Combine(Repository.Models, "tiny-sd3/tokenizer_3")));
        Assert.DoesNotContain(2L, tokenizer.Encode("two red circles above a blue square", tokenizer.MaxLength).Ids);
    }

    private static void Agree(ITextTokenizer parts, ITextTokenizer whole)
    {
        Assert.Equal(parts.MaxLength, whole.MaxLength);
        Assert.Equal(parts.VocabularySize, whole.VocabularySize);
        Assert.All(Strings, text => Assert.Equal(parts.Encode(text, 256).Ids, whole.Encode(text, 256).Ids));
    }
}
