using FsCheck.Xunit;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Testing;
using static LeapAlign.Networks.Tests.Tokenizers.TokenizerFixture;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>What holds for every string, random and awkward ones.</summary>
public class TokenizerPropertyTests
{
    private static readonly string[] Awkward = ["\ud800", "\udc00\ud800", "\0", "\u0301", "\u1100\u1161\u11a8", "\u2581", "İ", "\ufeff", "</s><pad>", "<|endoftext|", "\U0001d400a", "\u3000\u0085"];

    [Property(MaxTest = 300)]
    public void Any_string_is_encoded(string? text, byte length, byte pick)
    {
        var mixed = (text ?? "") + Awkward[pick % Awkward.Length] + text;
        foreach (var tokenizer in (ITextTokenizer[])[ClipTokens, T5Tokens])
        {
            var encoded = tokenizer.Encode(mixed, length + 2);
            Assert.Equal(length + 2, encoded.Ids.Length);
            Assert.All(encoded.Ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
        }
    }

    [Property(MaxTest = 200)]
    public void A_text_is_cut_only_when_it_is_longer_and_keeps_its_frame(string? text, byte length)
    {
        var short_ = length + 2;
        foreach (var (tokenizer, frame) in ((ITextTokenizer, int)[])[(ClipTokens, 2), (T5Tokens, 1)])
        {
            // At most one token a byte of text, which normalisation makes at most eighteen times as long.
            var whole = tokenizer.Encode(text ?? "", (18 * 3 * (text ?? "").Length) + 8);
            Assert.False(whole.WasCut);
            var end = tokenizer.Encode("", 4).Ids[frame - 1];
            var tokens = Array.IndexOf(whole.Ids, end, frame - 1) + 1;
            var cut = tokenizer.Encode(text ?? "", short_);
            Assert.Equal(tokens > short_, cut.WasCut);
            Assert.Equal(end, cut.Ids[Math.Min(tokens, short_) - 1]);
            Assert.Equal(whole.Ids.Take(Math.Min(tokens, short_) - 1), cut.Ids.Take(Math.Min(tokens, short_) - 1));
            if (frame == 2) Assert.Equal(tokenizer.Encode("", 4).Ids[0], cut.Ids[0]);
        }
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(3, true)]
    public void A_text_that_just_fits_is_whole(int length, bool cut)
    {
        Assert.Equal(cut, ClipTokens.Encode("cat dog", length).WasCut);
        var t5 = T5Tokens.Encode("日", 8).Ids;
        Assert.Equal(cut, T5Tokens.Encode("日", Array.IndexOf(t5, 1L) + (cut ? 0 : 1)).WasCut);
    }

    [Fact]
    public void A_length_without_room_for_the_frame_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ClipTokens.Encode("a", 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => T5Tokens.Encode("a", 1));
    }

    [Theory]
    [InlineData("e\u0301", "é")] // composed
    [InlineData("\u0130", "i\u0307")] // İ has two code points in lower case
    [InlineData("ΣΑΣ", "σασ")] // each letter alone: no final sigma
    [InlineData("\U0001d400b", "\U0001d400b")] // a letter beyond U+FFFF
    [InlineData("a\u00a0b\u2028c", "a b c")] // every kind of space
    public void Clip_reads_both_spellings_alike(string written, string same) => Assert.Equal(ClipTokens.Encode(same, 32).Ids, ClipTokens.Encode(written, 32).Ids);

    [Theory]
    [InlineData("\u0001cat\u0002", "cat")] // the table removes control characters
    [InlineData("\u2581 \u3000", "")] // kinds of space
    [InlineData(" a\n\nb ", "a b")]
    [InlineData("\uff21\ufb01", "Afi")] // full width, ligature
    public void T5_reads_both_spellings_alike(string written, string same) => Assert.Equal(T5Tokens.Encode(same, 32).Ids, T5Tokens.Encode(written, 32).Ids);

    [Fact]
    public void T5_does_not_compose_across_a_character_that_the_table_removes() =>
        Assert.NotEqual(T5Tokens.Encode("\u00e9", 32).Ids, T5Tokens.Encode("e\u0001\u0301", 32).Ids);

    [Fact]
    public void A_letter_beyond_the_first_plane_joins_its_word() =>
        Assert.True(ClipTokens.Encode("\U0001d400b", 32).Ids.SequenceEqual(ClipTokens.Encode("\U0001d400 b", 32).Ids) is false);

    [Fact]
    public void Special_tokens_are_found_as_written_only()
    {
        var tokenizer = Loaded(ClipTokenizer.Load(Repository.Fixture("tokenizers", "clip")));
        Assert.Equal(tokenizer.EndToken, tokenizer.Encode("<|endoftext|>cat", 8).Ids[1]);
        Assert.NotEqual(tokenizer.EndToken, tokenizer.Encode("<|ENDOFTEXT|>cat", 8).Ids[1]);
    }
}
