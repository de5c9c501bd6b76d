using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Host.Tests.Live;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Guards;

public sealed class WatchTests
{
    private static readonly Prompt[] s_prompts = [new(0, "a cat"), new(1, "a dog")];

    [Fact]
    public void The_first_bad_stage_is_named_with_its_noise_level_and_caption()
    {
        using var scope = NewDisposeScope();
        using var watch = new FiniteWatch();
        var good = ones(2, 3);
        var bad = good.clone();
        bad[1, 2] = float.PositiveInfinity;
        watch.Take("velocity", [0.9], s_prompts, good);
        watch.Take("velocity", [0.5, 0.25], s_prompts, bad);
        watch.Take("reward 'r'", [], s_prompts, tensor(new[] { float.NaN, 1 }));
        Assert.Equal("the first that is not finite is the velocity of 'a dog' at sigma 0.25", watch.FirstNoted());
        watch.Clear();
        watch.Take("reward 'r'", [], s_prompts, tensor(new[] { float.NaN, 1 }));
        Assert.Equal("the first that is not finite is the reward 'r' of 'a cat'", watch.FirstNoted());
    }

    [Fact]
    public void Bad_weights_and_gradients_are_named()
    {
        using var scope = NewDisposeScope();
        using var watch = new FiniteWatch();
        ParameterSet weights = new(new[] { "first", "second", "third" }.Select(static name => new Parameter(name, ParameterRole.Norm, ones(2).requires_grad_())));
        foreach (var (weight, value) in weights.Zip([float.NaN, float.NaN, 1f])) weight.Value.grad = full(2, value);
        Assert.Null(watch.FirstNoted());
        Assert.Null(FiniteWatch.FirstWeight(weights));
        Assert.Contains("'second'", FiniteWatch.FirstGradient(weights.Where(static weight => weight.Value.grad is { } gradient && !FiniteWatch.IsFinite(gradient))), StringComparison.Ordinal);
        using (no_grad()) weights[2].Value.fill_(float.NaN);
        Assert.Equal("the weight 'third' is not finite", FiniteWatch.FirstWeight(weights));
        Assert.Contains("the loss made of them is not", FiniteWatch.FirstGradient([]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stage_that_does_not_end_is_named_with_its_part()
    {
        var time = new ManualTime();
        var stages = new OpenStages(time);
        List<Fault> told = [];
        using var watchdog = new Watchdog(new GuardSettings { StageSeconds = 20 }, time, told.Add);
        stages.Add(watchdog);
        using var entered = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var reward = new RewardPlan(new PartPlan(null!, new object(), "mine", new SourcePlace("test")), RewardRole.Train, 1);
        var stuck = Task.Run(() => stages.Run(Stage.Score(reward), _ =>
        {
            entered.Set();
            release.Wait();
            return true;
        }));
        entered.Wait(TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(told);
        time.Advance(TimeSpan.FromSeconds(5));
        // Who ends the process may wait for a disk that hangs, too, while the timer goes on.
        time.Advance(TimeSpan.FromSeconds(20));
        release.Set();
        await stuck;
        var fault = Assert.Single(told);
        Assert.Equal(FaultCodes.StepHangs, fault.Code);
        Assert.Contains("'score' of 'mine' has taken 25 s; guard.stageSeconds allows 20, and the run ends", fault.Message, StringComparison.Ordinal);
        Assert.Null(watchdog.UnderWay);
    }

    [Fact]
    public void Nobody_hangs_who_waits_for_people()
    {
        var time = new ManualTime();
        var stages = new OpenStages(time);
        List<Fault> told = [];
        using var said = new StringWriter();
        var people = new PeopleAwaited(said, time);
        using var watchdog = new Watchdog(new GuardSettings { StageSeconds = 20 }, time, told.Add, people: people);
        stages.Add(watchdog);
        using (stages.Enter("score"))
        {
            using (people.Begin("waits for 3 votes")) time.Advance(TimeSpan.FromHours(30));
            // Another at once, of which the user is not told again.
            using (people.Begin("waits for 2 votes")) time.Advance(TimeSpan.FromSeconds(50));
            time.Advance(TimeSpan.FromSeconds(20));
            Assert.Empty(told);
            // What is done with the votes has no more time than any stage.
            time.Advance(TimeSpan.FromSeconds(10));
            Assert.Contains("'score' has taken 25 s", Assert.Single(told).Message, StringComparison.Ordinal);
        }
        people.Begin("waits for 1 vote").Dispose();
        Assert.Equal(["waits for 3 votes", "waits for 2 votes", "waits for 1 vote"], said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    // Otherwise the one that waits would say that somebody hangs, and the one that hangs would say where at the same moment.
    [Theory]
    [InlineData(10)]
    [InlineData(15)]
    [InlineData(600)]
    public void Of_two_processes_the_one_that_hangs_is_told_before_the_one_that_waits(double seconds)
    {
        var time = new ManualTime();
        List<Fault> told = [];
        _ = ThreadedRanks.Run(2, communicator =>
        {
            lock (told)
            {
                var (stages, ranks) = (new OpenStages(time), new RunRanks(communicator));
                var watchdog = new Watchdog(new GuardSettings { RankSeconds = seconds }, time, told.Add, ranks);
                stages.Add(watchdog);
                _ = stages.Enter(communicator.Rank == 0 ? RunRanks.WaitStage : "score");
                return watchdog;
            }
        });
        for (var second = 0.0; second < 2 * seconds && told.Count == 0; second += seconds / 100) time.Advance(TimeSpan.FromSeconds(seconds / 100));
        Assert.Equal((FaultCodes.StepHangs, 1), (Assert.Single(told).Code, told[0].Rank));
        // A launcher needs a moment to end the other one.
        time.Advance(TimeSpan.FromSeconds(seconds / 50));
        Assert.Single(told);
    }

    [Fact]
    public void Stages_that_follow_each_other_do_not_add_up_to_one_that_hangs()
    {
        var time = new ManualTime();
        var stages = new OpenStages(time);
        using var watchdog = new Watchdog(new GuardSettings(), time, static _ => { });
        stages.Add(watchdog);
        using (stages.Enter("outer"))
        {
            time.Advance(TimeSpan.FromSeconds(60));
            using (stages.Enter("inner")) time.Advance(TimeSpan.FromSeconds(5));
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(("outer", null, 1), watchdog.UnderWay);
        }
        Assert.Equal(new Dictionary<string, double> { ["outer"] = 61, ["inner"] = 5 }, stages.Times.Take());
    }

    [Fact]
    public void The_ledger_counts_evaluations_and_apart_from_them_those_with_gradient()
    {
        var stages = new OpenStages();
        using (stages.Enter("roll"))
        {
            using (stages.Enter(Stage.Velocity(new NetworkCall(2, Gradient: false, 4, 0.5)))) Assert.Equal((2, 0), stages.Ledger.Count);
            using (stages.Enter(Stage.Velocity(new NetworkCall(0.5, Gradient: true, 1, 0.5)))) Assert.Equal((2.5, 0.5), stages.Ledger.Count);
        }
        stages.Ledger.Resume(10, 3);
        using (stages.Enter(Stage.Velocity(new NetworkCall(1, Gradient: true, 4, null)))) Assert.Equal((11, 4), stages.Ledger.Count);
    }

    [Fact]
    public void A_stage_that_failed_and_recovered_is_not_blamed_for_what_comes_later()
    {
        var stages = new OpenStages();
        bool Fail(string stage, Exception exception) => stages.Run<bool>(stage, () => throw exception);
        using (stages.Enter("outer")) Assert.Throws<TimeoutException>(() => Fail("first", new TimeoutException()));
        var later = new InvalidOperationException();
        Assert.Null(stages.Of(later));
        Assert.Throws<InvalidOperationException>(() => stages.Run("second", () => Fail("inner", later)));
        Assert.Equal("inner", stages.Of(later));
        // What an outer stage wraps began in the inner one.
        var wrapped = Assert.Throws<ArgumentException>(() => stages.Run("third", () =>
        {
            try
            {
                return Fail("fourth", new TimeoutException());
            }
            catch (TimeoutException exception)
            {
                throw new ArgumentException("wrapped", exception);
            }
        }));
        Assert.Equal("fourth", stages.Of(wrapped));
        // A handler far out sees the stages that are still open.
        var plain = Assert.Throws<NotSupportedException>(() =>
        {
            try
            {
                using var outer = stages.Enter("fifth");
                using var inner = stages.Enter("sixth");
                throw new NotSupportedException();
            }
            catch (NotSupportedException exception) when (stages.Blames(exception))
            {
                Assert.Fail("the filter catches nothing");
            }
        });
        Assert.Equal("sixth", stages.Of(plain));
        Assert.Null(stages.Of(new TimeoutException()));
    }

    [Theory]
    [InlineData(1e-2)]
    [InlineData(1e-4)]
    [InlineData(1e-6)]
    public void Diversity_is_exact_when_pictures_become_alike(double apart)
    {
        using var scope = NewDisposeScope();
        var picture = linspace(0.3, 0.7, 3 * 24 * 24).reshape(1, 3, 24, 24);
        var pictures = cat([picture, picture + apart, picture + (2 * apart)]);
        // Worked in double precision from the pictures as they are: they are fp32, whose steps below 1 are 6e-8.
        var wide = pictures.to(float64).flatten(1);
        double Square(int one, int other) => (wide[one] - wide[other]).square().mean().item<double>();
        var expected = Math.Sqrt((Square(0, 1) + Square(0, 2) + Square(1, 2)) / 3);
        var measured = Assert.Single(PictureMeasures.Of(pictures, perCaption: 3)[PictureMeasureNames.Diversity]);
        Assert.Equal(1, measured / expected, 1e-3);
        Assert.Equal(0, Assert.Single(PictureMeasures.Of(cat([picture, picture, picture]), perCaption: 3)[PictureMeasureNames.Diversity]));
    }

    [Fact]
    public void Fine_detail_of_a_nearly_flat_picture_is_that_of_its_contrast()
    {
        using var scope = NewDisposeScope();
        var grid = (arange(32).remainder(2) * 1e-5).expand(1, 3, 32, 32);
        Assert.True(PictureMeasures.Of(grid + 0.9, perCaption: 1)[PictureMeasureNames.FineDetail][0] > 0.99);
    }

    [Fact]
    public void Picture_measures_see_clipping_grids_and_sameness()
    {
        using var scope = NewDisposeScope();
        var smooth = linspace(0.3, 0.7, 32).expand(1, 3, 32, 32);
        var grid = smooth + (arange(32).remainder(2) * 0.2);
        var measured = PictureMeasures.Of(cat([smooth, grid, zeros(1, 3, 32, 32), zeros(1, 3, 32, 32)]), perCaption: 2);
        var clipped = measured[PictureMeasureNames.Clipped];
        Assert.Equal([0, 0, 1, 1], clipped);
        var fine = measured[PictureMeasureNames.FineDetail];
        Assert.True(fine[0] < 0.1 && fine[1] > 0.3, $"{fine[0]} and {fine[1]}");
        Assert.Equal(0, fine[2]);
        var diversity = measured[PictureMeasureNames.Diversity];
        // Every second column is 0.2 apart.
        Assert.Equal([Math.Sqrt(0.02), 0], diversity, static (one, other) => Math.Abs(one - other) < 1e-4);
        Assert.False(PictureMeasures.Of(smooth, perCaption: 1).ContainsKey(PictureMeasureNames.Diversity));
    }
}
