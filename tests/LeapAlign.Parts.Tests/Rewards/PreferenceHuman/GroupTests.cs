using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Rewards.PreferenceHuman.Tests;

/// <summary>Which pairs are asked, and by what they are known.</summary>
public sealed class GroupTests
{
    [Theory]
    [InlineData(2, null, 1)]
    [InlineData(5, null, 10)]
    [InlineData(5, 1, 4)]
    [InlineData(5, 4, 4)]
    [InlineData(5, 7, 7)]
    [InlineData(5, 100, 10)]
    [InlineData(12, 1, 11)]
    public void So_many_pairs_are_asked_and_connect_all_pictures(int pictures, int? wanted, int asked)
    {
        var pairs = Group([.. Enumerable.Range(0, pictures)]).Pairs(wanted);
        Assert.Equal(asked, pairs.Count);
        Assert.Equal(asked, pairs.Select(static pair => pair.Key).Distinct().Count());
        Assert.All(pairs, pair => Assert.True(pair.First >= 0 && pair.First < pair.Second && pair.Second < pictures));
        HashSet<int> reached = [0];
        while (pairs.FirstOrDefault(pair => reached.Contains(pair.First) != reached.Contains(pair.Second)) is { } bridge)
        {
            reached.Add(bridge.First);
            reached.Add(bridge.Second);
        }
        Assert.Equal(pictures, reached.Count);
    }

    [Fact]
    public void What_is_asked_depends_on_what_pictures_show_and_not_on_their_order()
    {
        var (one, other) = (Group([3, 1, 4, 5]), Group([5, 4, 3, 1]));
        Assert.Equal(one.Pairs(3), other.Pairs(3));
        Assert.Equal(one.Hashes, other.Hashes);
        Assert.Equal(one.Places[0], other.Places[2]);
        Assert.Equal(one.Places[3], other.Places[0]);
        Assert.Empty(one.Pairs(null).Select(static pair => pair.Key).Intersect(Group([3, 1, 4, 5], "a square").Pairs(null).Select(static pair => pair.Key)));
        // A pair of two groups is one question.
        Assert.Contains(Assert.Single(Group([1, 3]).Pairs(null)).Key, one.Pairs(null).Select(static pair => pair.Key));
        // The same bytes in another shape are another picture.
        Assert.NotEqual(Group([1], width: 6).Hashes, Group([1], width: 3).Hashes);
    }

    [Fact]
    public void Which_pairs_are_left_out_differs_from_group_to_group() =>
        Assert.True(Enumerable.Range(0, 20).Select(static start => string.Join(' ', Group([.. Enumerable.Range(start, 5)]).Pairs(4).Select(static pair => (pair.First, pair.Second)).Order())).Distinct().Count() > 10);

    [Fact]
    public void Equal_pictures_are_one()
    {
        var group = Group([7, 2, 7, 7]);
        Assert.Equal(2, group.Pictures.Count);
        Assert.Equal([group.Places[0], group.Places[0]], group.Places.Skip(2));
        Assert.NotEqual(group.Places[0], group.Places[1]);
        Assert.Single(group.Pairs(null));
    }

    internal static PictureGroup Group(int[] greys, string caption = "a circle", int width = 6) =>
        PictureGroup.Of(caption, [.. greys.Select(grey => new PictureBytes(Enumerable.Repeat((byte)grey, 72).ToArray(), width, 24 / width))]);
}
