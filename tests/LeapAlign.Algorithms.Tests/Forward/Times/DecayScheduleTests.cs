using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.Forward.Awm;
using LeapAlign.Algorithms.Forward.Crd;
using LeapAlign.Algorithms.Forward.Dgpo;
using LeapAlign.Algorithms.Forward.Nft;
using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Algorithms.Forward.Tests.Times;

public sealed class DecayScheduleTests
{
    [Property(MaxTest = 500)]
    public bool Published_types_of_nft(PositiveInt number)
    {
        var step = number.Get % 1500;
        return DecaySchedule.Parse("0").At(step) == 0
            && Near(DecaySchedule.Parse("1").At(step), Math.Min(0.001 * step, 0.5))
            && Near(DecaySchedule.Parse("2").At(step), step < 75 ? 0 : Math.Min(0.0075 * (step - 75), 0.999));
    }

    [Property(MaxTest = 500)]
    public bool Copies_follow_as_published(PositiveInt number)
    {
        var step = number.Get % 1500;
        var crd = new CrdAlgorithm(new CrdSettings()).Copies;
        return Near(One(new NftAlgorithm(new NftSettings()).Copies, "old").Decay(step), Math.Min(0.001 * step, 0.5))
            && Near(One(new AwmAlgorithm(new AwmSettings()).Copies, "ema").Decay(step), Math.Min(0.3, 0.001 * step))
            && Near(One(new DgpoAlgorithm(new DgpoSettings()).Copies, "old").Decay(step), Math.Min(0.3, 0.001 * step))
            && Near(One(crd, "old").Decay(step), Math.Min(0.25 + (0.005 * step), 0.999))
            && Near(One(crd, "sampling").Decay(step), step < 75 ? 0 : Math.Min(0.0075 * (step - 75), 0.999));
    }

    [Fact]
    public void Copies_that_nothing_compares_with_are_not_kept()
    {
        Assert.Empty(new AwmAlgorithm(new AwmSettings { EmaKlWeight = 0 }).Copies);
        Assert.Empty(new DgpoAlgorithm(new DgpoSettings { Clip = null, ReferenceUntil = null }).Copies);
    }

    [Property(MaxTest = 500)]
    public bool What_the_pattern_takes_is_a_decay_between_0_and_1(PositiveInt flat, PositiveInt start, PositiveInt slope, PositiveInt end, PositiveInt step)
    {
        var text = FormattableString.Invariant($"{flat.Get % 100}-0.{start.Get}-{slope.Get}.5-0.{end.Get}");
        var decay = DecaySchedule.Parse(text).At(step.Get % 300);
        return Regex.IsMatch(text, DecaySchedule.Pattern) && decay is >= 0 and <= 1;
    }

    [Theory]
    [InlineData("3")]
    [InlineData("0-0-0.1")]
    [InlineData("0-1.5-0-1")]
    [InlineData("0-0-0.1-2")]
    [InlineData("0--1-0-1")]
    [InlineData("a-0-0-0")]
    [InlineData("0-0-1e9-1")]
    public void Other_texts_are_refused(string text) => Assert.DoesNotMatch(DecaySchedule.Pattern, text);

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("75-0.0-0.0075-0.999")]
    [InlineData("0-1-0-1")]
    public void These_are_taken(string text) => Assert.Matches(DecaySchedule.Pattern, text);

    private static PolicyCopy One(IReadOnlyList<PolicyCopy> copies, string name) => copies.Single(copy => copy.Name == name);

    private static bool Near(double left, double right) => Math.Abs(left - right) < 1e-12;
}
