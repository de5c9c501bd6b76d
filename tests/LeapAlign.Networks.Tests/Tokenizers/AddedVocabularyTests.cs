using LeapAlign.Networks.Tokenizers;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>Tokens that are found in a text as they stand, and what is left of the text between them.</summary>
public class AddedVocabularyTests
{
    private static readonly Dictionary<string, int> Vocabulary = new() { ["a"] = 0, ["b"] = 1 };

    [Theory]
    [InlineData(false, false, "[x ] 2 [ y]")]
    [InlineData(true, false, "[x] 2 [ y]")]
    [InlineData(false, true, "[x ] 2 [y]")]
    [InlineData(true, true, "[x] 2 [y]")]
    public void A_token_takes_the_space_that_its_flags_say(bool left, bool right, string parts)
    {
        Assert.Equal(parts, Parts("x <t> y", new AddedToken("<t>") { Left = left, Right = right }));
        Assert.Equal(parts, Parts("x <t> y", new AddedToken("<t>") { Left = left, Right = right, Normalized = true }));
    }

    [Fact]
    public void Space_between_two_tokens_is_taken_once() => Assert.Equal("2 2", Parts("<t>  <t>", new AddedToken("<t>") { Left = true, Right = true }));

    [Fact]
    public void The_longest_of_several_counts_and_a_known_spelling_keeps_its_id() => Assert.Equal("2 0 3", Parts("<t>a<tt>", new AddedToken("<t>"), new AddedToken("a"), new AddedToken("<tt>")));

    private static string Parts(string text, params AddedToken[] tokens)
    {
        var added = new AddedVocabulary(tokens, Vocabulary, static plain => plain, splitSpecial: false);
        return string.Join(' ', added.Split(text).Select(static part => part.Token?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? $"[{part.Plain}]"));
    }
}
