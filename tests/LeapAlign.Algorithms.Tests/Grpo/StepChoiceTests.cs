using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Algorithms.Grpo.Steps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Schedules;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>Windows and schedules of windows.</summary>
public sealed class StepChoiceTests
{
    [Property(MaxTest = 300)]
    public bool Every_choice_trains_distinct_random_steps_that_it_said_it_may_train_and_never_the_last(PositiveInt extra, PositiveInt index, long seed, PositiveInt which)
    {
        var steps = 4 + (extra.Get % 40);
        var choice = Methods.Of(Methods.Ids[which.Get % Methods.Ids.Count], steps).Steps;
        var chosen = Choose(choice, steps, index.Get, seed);
        var trainable = choice.Trainable(steps).Match(static fit => fit, static fault => throw new InvalidOperationException(fault.Message));
        return chosen.Trained.Count == choice.Trained(steps)
            && chosen.Trained.Distinct().Count() == chosen.Trained.Count
            && chosen.Trained.All(step => trainable.Contains(step) && chosen.Stochastic.Contains(step) && step < steps - 1)
            && chosen.Stochastic.All(step => step >= 0 && step < steps);
    }

    [Property(MaxTest = 200)]
    public bool A_random_window_lies_in_its_range(long seed, PositiveInt low, PositiveInt extra, PositiveInt slack)
    {
        var (width, start) = (1 + (extra.Get % 5), low.Get % 6);
        var end = start + width + (slack.Get % 5);
        var choice = GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings { Window = width, RangeStart = start, RangeEnd = end }).Steps;
        var trained = Choose(choice, end + 1, 0, seed).Trained;
        return trained[0] >= start && trained[^1] < end && trained.SequenceEqual(Enumerable.Range(trained[0], width));
    }

    [Fact]
    public void A_random_window_begins_anywhere_with_the_same_frequency_by_default_in_the_first_half()
    {
        const int steps = 12, width = 3, draws = 4000;
        var choice = GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings { Window = width }).Steps;
        var counts = Enumerable.Range(0, draws).CountBy(seed => Choose(choice, steps, 0, seed).Trained[0]).ToDictionary();
        Assert.Equal([.. Enumerable.Range(0, (steps / 2) - width + 1)], counts.Keys.Order());
        // Five standard deviations of a binomial count.
        Assert.All(counts.Values, static count => Assert.InRange(count, 1000 - 137, 1000 + 137));
    }

    [Fact]
    public void A_window_of_no_steps_is_the_whole_path()
    {
        var (window, whole) = (Choose(GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings { Window = 0 }).Steps, 9, 0, 1), Choose(new WholePath(), 9, 0, 1));
        Assert.Equal(whole.Trained, window.Trained);
        Assert.Equal(whole.Stochastic, window.Stochastic);
        Assert.Equal(Enumerable.Range(0, 8), whole.Trained);
        Assert.Equal(Enumerable.Range(0, 9), whole.Stochastic);
    }

    [Fact]
    public void A_progressive_window_stays_moves_on_and_begins_anew()
    {
        const int steps = 8;
        int[] Starts(int move, int dwell, int count) => [.. Enumerable.Range(0, count).Select(index => Choose(new ProgressiveWindow(4, dwell, move), steps, index, 0).Trained[0])];
        Assert.Equal([0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1], Starts(1, 2, 12));
        Assert.Equal([0, 2, 0, 2], Starts(2, 1, 4));
        Assert.Equal([0, 3, 0, 3], Starts(3, 1, 4));
        Assert.Equal([0, 0, 0], Starts(0, 1, 3));
        Assert.Equal([0, 0], Starts(7, 1, 2));
        var published = new MixGrpoSettings();
        int[] chosen = [.. ((int[])[0, 24, 25, 49, 50]).Select(index => Choose(GrpoMethod.MixGrpo(published).Steps, 25, index, 0).Trained[0])];
        Assert.Equal([0, 0, 1, 1, 2], chosen);
    }

    [Fact]
    public void A_random_window_of_mix_grpo_is_shared_by_the_micro_batches_of_a_step_and_that_of_fast_is_not()
    {
        const int steps = 20;
        var mix = GrpoMethod.MixGrpo(new MixGrpoSettings { Start = WindowStart.Random }).Steps;
        var fast = GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings()).Steps;
        int Start(IStepChoice choice, int index, int micro) => Choose(choice, steps, index, 9, micro).Trained[0];
        Assert.All(Enumerable.Range(0, 10), index => Assert.Single(Enumerable.Range(0, 6).Select(micro => Start(mix, index, micro)).Distinct()));
        Assert.True(Enumerable.Range(0, 10).Select(index => Start(mix, index, 0)).Distinct().Count() > 3);
        Assert.True(Enumerable.Range(0, 10).Select(micro => Start(fast, 0, micro)).Distinct().Count() > 3);
    }

    [Theory]
    [InlineData(16, 0.6, 9)]
    [InlineData(10, 0.6, 5)]
    [InlineData(6, 1, 5)]
    [InlineData(6, 0.01, 1)]
    public void A_fraction_is_of_the_steps_but_the_last(int steps, double fraction, int trained) => Assert.Equal(trained, new StepFraction(fraction).Trained(steps));

    [Fact]
    public void A_fraction_trains_every_step_now_and_then_in_any_order()
    {
        var drawn = Enumerable.Range(0, 200).Select(static seed => Choose(new StepFraction(0.6), 6, 0, seed).Trained).ToList();
        Assert.Equal(Enumerable.Range(0, 5), drawn.SelectMany(static trained => trained).Distinct().Order());
        Assert.Contains(drawn, static trained => trained[0] > trained[1]);
        Assert.Contains(drawn, static trained => trained[0] < trained[1]);
    }

    private static ChosenSteps Choose(IStepChoice choice, int steps, int index, long seed, int micro = 0)
    {
        var key = RandomKey.OfRun(seed).For("step", index);
        var services = new ScriptedStep(static (latents, _) => latents, Scores.Of);
        var batch = new MicroBatch(services)
        {
            Index = micro,
            Prompts = [new Prompt(0, "prompt")],
            Noise = zeros(1),
            Schedule = Sigmas.Explicit(steps, 3),
            Sampler = new FlowSdeSampler(new FlowSdeSettings()),
            Samples = [micro],
            Random = key.For("micro-batch", micro),
            StepKey = key,
        };
        using var step = new AlignmentStep(services) { Index = index, Batches = [batch], Random = key.For("algorithm") };
        return choice.Choose(step, batch);
    }
}
