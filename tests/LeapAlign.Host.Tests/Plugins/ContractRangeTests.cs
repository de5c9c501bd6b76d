using LeapAlign.Host.Plugins;

namespace LeapAlign.Host.Tests.Plugins;

public sealed class ContractRangeTests
{
    [Theory]
    [InlineData("[1.0,2.0)", "1.0.0.0", true)]
    [InlineData("[1.0,2.0)", "1.9", true)]
    [InlineData("[1.0,2.0)", "2.0.0.0", false)]
    [InlineData("[1.0,2.0)", "0.9", false)]
    [InlineData("(1.0,2.0]", "1.0", false)]
    [InlineData("(1.0,2.0]", "2.0", true)]
    [InlineData("[1,3)", "2.7", true)]
    [InlineData("[1.1,)", "1.0", false)]
    [InlineData("[ 1.1 , )", "7.0", true)]
    [InlineData("(,2.0)", "1.0", true)]
    [InlineData("[1.0,1.0]", "1.0.5", true)]
    public void A_range_knows_what_it_contains(string text, string version, bool contains)
    {
        Assert.True(ContractRange.TryParse(text, out var range));
        Assert.Equal(contains, range.Contains(Version.Parse(version)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.0")]
    [InlineData("[1.0]")]
    [InlineData("[1.0;2.0)")]
    [InlineData("[2.0,1.0)")]
    [InlineData("[1.0.,2.0)")]
    [InlineData("[one,two)")]
    [InlineData("[1.0,2.0")]
    public void What_is_no_range_is_refused(string text) => Assert.False(ContractRange.TryParse(text, out _));
}
