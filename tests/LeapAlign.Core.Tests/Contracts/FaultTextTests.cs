using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Tests;

/// <summary>A fault is a line that a terminal shows, whatever the file holds that it speaks of.</summary>
public sealed class FaultTextTests
{
    [Theory]
    [InlineData("\u001b[31mred", "\\u001b[31mred")]
    [InlineData("two\r\nlines\u2028three", "two\\u000d\\u000alines\\u2028three")]
    [InlineData("\u202eback \u0000\u0085", "\\u202eback \\u0000\\u0085")]
    [InlineData("é 😀 'quoted' \\ %", "é 😀 'quoted' \\ %")]
    public void What_does_not_show_is_escaped(string text, string shown)
    {
        var fault = new Fault.Input(FaultCodes.DamagedWeights, text, new SourcePlace($"f{text}", 1, 2, $"k{text}"));
        Assert.Equal(shown, fault.Message);
        Assert.Equal($"LA4005 f{shown}(1,2) k{shown}: {shown}", fault.ToString());
        Assert.Equal(text, fault.Place!.Key![1..]);
    }

    [Fact]
    public void A_text_that_is_much_too_long_keeps_its_beginning_and_its_end()
    {
        var name = new string('a', 1_000_000);
        var fault = new Fault.Configuration(FaultCodes.UnknownKey, $"what is '{name}'? did you mean 'x'?", new SourcePlace("f", Key: name));
        Assert.Equal(1203, fault.Message.Length);
        Assert.StartsWith("what is 'aaa", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith("aaa'? did you mean 'x'?", fault.Message, StringComparison.Ordinal);
        Assert.InRange(fault.ToString().Length, 1500, 1600);
        var escapes = new Fault.Run(FaultCodes.NotFinite, new string('\u001b', 5000), new SourcePlace("f", Key: new string('\u001b', 5000)));
        Assert.Equal(1203, escapes.Message.Length);
        Assert.InRange(escapes.ToString().Length, 1500, 1600);
        var exact = new string('é', 1200);
        Assert.Equal(exact, new Fault.Run(FaultCodes.NotFinite, exact).Message);
    }
}
