namespace LeapAlign.Rewards.Ocr.Tests;

/// <summary>What a caption asks for, and how much of it was read.</summary>
public sealed class TextTests
{
    [Theory]
    [InlineData("a sign that says \"OPEN\"", "OPEN")]
    [InlineData("a sign that says “OPEN”", "OPEN")]
    [InlineData("a sign that says 'OPEN'", "OPEN")]
    [InlineData("\"OPEN\" above 'MON - FRI' and “9 to 5”", "OPEN MON - FRI 9 to 5")]
    [InlineData("a sign ('OPEN'), in red", "OPEN")]
    [InlineData("a sign 'DON'T STOP'", "DON'T STOP")]
    [InlineData("a sign \"IT'S OPEN\"", "IT'S OPEN")]
    [InlineData("a sign “IT’S OPEN”", "IT’S OPEN")]
    [InlineData("the dog's bowl says 'REX'", "REX")]
    [InlineData("the dogs' bowl says 'REX'", "REX")]
    [InlineData("a car of the '90s with the plate 'AB 12'", "AB 12")]
    [InlineData("a shop's sign says “Dogs' food”", "Dogs' food")]
    [InlineData("写着\"你好\"的牌子", "你好")]
    [InlineData("a sign \"  OPEN \n NOW \"", "OPEN \n NOW")]
    [InlineData("“\"”", "\"")]
    [InlineData("'A'", "A")]
    [InlineData("a red bus", null)]
    [InlineData("", null)]
    [InlineData("the dog's bowl, the cats' bowl, it's red", null)]
    [InlineData("rock'n'roll", null)]
    [InlineData("the '90s", null)]
    [InlineData("an open \" quote", null)]
    [InlineData("an open “ quote", null)]
    [InlineData("nothing \"\" in '' these “ ” quotes", null)]
    [InlineData("a lonely ' mark and ' another", null)]
    public void Quoted_text_is_what_a_caption_asks_for(string caption, string? text) => Assert.Equal(text, QuotedText.Of(caption));

    [Theory]
    [InlineData("OPEN", "OPEN", 1.0)]
    [InlineData("OPEN", "OPEN\n\f", 1.0)]
    [InlineData("OPEN NOW", " OPEN\n\tNOW ", 1.0)]
    [InlineData("OPEN", "", 0.0)]
    [InlineData("OPEN", "WXYZ", 0.0)]
    [InlineData("kitten", "sitting", 1 - (3.0 / 7))]
    [InlineData("sitting", "kitten", 1 - (3.0 / 7))]
    [InlineData("Saturday", "Sunday", 1 - (3.0 / 8))]
    [InlineData("OPEN", "OPEN DAILY", 0.4)]
    [InlineData("OPEN NOW", "OPENNOW", 7.0 / 8)]
    [InlineData("ab", "ba", 0.0)]
    // One character for a reader, whatever it is made of.
    [InlineData("\U0001F469\u200D\U0001F4BBab", "xab", 2.0 / 3)]
    [InlineData("e\u0301t\u0301", "xt\u0301", 0.5)]
    [InlineData("\U0001F600\U0001F601", "\U0001F600\U0001F602", 0.5)]
    public void A_score_is_one_minus_the_distance_over_the_longer_text(string asked, string read, double score)
    {
        Assert.Equal(score, TextMatch.Score(asked, read, ignoreCase: false), 12);
        Assert.Equal(score, TextMatch.Score(asked, read, ignoreCase: true), 12);
    }

    [Theory]
    [InlineData("Open", "oPEN", 0.0)]
    [InlineData("ÄÖÜ", "äöü", 0.0)]
    [InlineData("ДОМ", "дом", 0.0)]
    [InlineData("Open", "open", 0.75)]
    public void Capital_and_small_letters_are_the_same_only_where_they_shall_be(string asked, string read, double otherwise)
    {
        Assert.Equal(1, TextMatch.Score(asked, read, ignoreCase: true));
        Assert.Equal(otherwise, TextMatch.Score(asked, read, ignoreCase: false));
    }
}
