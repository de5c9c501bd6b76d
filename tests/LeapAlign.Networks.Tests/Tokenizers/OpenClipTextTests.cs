using LeapAlign.Networks.Tokenizers;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>How open_clip cleans captions: what each rule does, by cases whose outcome ftfy 6 and Python's html and str give.</summary>
public class OpenClipTextTests
{
    [Theory]
    [InlineData("A  Red\tCircle\n", "a red circle")]
    [InlineData("&lt;b&gt; &amp;amp; &eacute;", "<b> & é")]
    [InlineData("&#233;&#xE9;&#65", "ééa")]
    [InlineData("caf&eacute bar &notit;", "café bar ¬it;")]
    [InlineData("&unknown; & alone", "&unknown; & alone")]
    [InlineData("ﬁne ﬂow ﬃ Ǆ", "fine flow ffi dž")]
    [InlineData("“quoted” ‘single’ ʼ", "\"quoted\" 'single' '")]
    [InlineData("ＡＢＣ１！", "abc1!")]
    [InlineData("ｶﾞ", "ガ")]
    [InlineData("cafÃ© naÃ¯ve", "café naïve")]
    [InlineData("a\u0001b\u200bc\ufeffd", "ab\u200bcd")]
    [InlineData("caf\u0065\u0301", "café")]
    [InlineData("\u001b[31mred\u001b[0m", "red")]
    [InlineData("ΟΔΟΣ ΣΟΦΟΣ, Σ", "οδος σοφος, σ")]
    [InlineData("İstanbul", "i\u0307stanbul")]
    [InlineData("ß ẞ", "ß ß")]
    [InlineData("don\u0092t", "don't")]
    [InlineData("a\u3000b", "a b")]
    [InlineData("", "")]
    public void A_caption_is_cleaned(string written, string expected) => Assert.Equal(expected, OpenClipText.Clean(written));

    [Theory]
    [InlineData("x <start_of_text> y <END_OF_TEXT>", true)]
    [InlineData("x <|startoftext|> y", false)]
    public void Only_its_own_spelling_of_a_special_token_is_one(string text, bool special)
    {
        var begin = TokenizerFixture.OpenClipTokens.Encode("", 8).Ids[0];
        Assert.Equal(special, TokenizerFixture.OpenClipTokens.Encode(text, 24).Ids.Skip(1).Contains(begin));
    }

    [Fact]
    public void What_is_left_is_padded_with_0_and_what_does_not_fit_ends_with_the_end()
    {
        var tokens = TokenizerFixture.OpenClipTokens;
        var begun = tokens.Encode("a", 8).Ids;
        Assert.Equal([0, 0, 0, 0, 0], begun[3..]);
        var cut = tokens.Encode("a a a a a a a a a", 6);
        Assert.True(cut.WasCut);
        Assert.Equal(begun[2], cut.Ids[^1]);
    }
}
