using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Methods.Steps;

namespace LeapAlign.Methods.Tests;

public sealed class StepRangeTests
{
    [Property(MaxTest = 300)]
    public bool A_tail_is_the_last_steps_at_least_as_many_as_its_share(PositiveInt n, PositiveInt percent, PositiveInt least)
    {
        int steps = 1 + (n.Get % 60), minimum = 1 + (least.Get % 4);
        var ratio = ((percent.Get % 100) + 1) / 100.0;
        var tail = StepRange.Tail(steps, ratio, minimum);
        var enough = tail.Count >= Math.Min(steps, minimum) && tail.Count >= ratio * steps;
        // One step fewer would be too few for the share or for the minimum.
        var tight = tail.Count <= Math.Min(steps, minimum) || tail.Count - 1 < ratio * steps;
        return tail.End == steps && tail.First >= 0 && enough && tight && tail.Steps.SequenceEqual(Enumerable.Range(tail.First, tail.Count));
    }

    [Fact]
    public void The_whole_schedule_is_the_tail_of_ratio_one()
    {
        Assert.Equal(new StepRange(0, 25), StepRange.Tail(25, 1, 3));
        Assert.Equal(new StepRange(0, 2), StepRange.Tail(2, 0.1, 3));
    }

    [Fact]
    public void A_range_that_ends_before_it_begins_is_empty() => Assert.Empty(new StepRange(5, 5).Steps);
}
