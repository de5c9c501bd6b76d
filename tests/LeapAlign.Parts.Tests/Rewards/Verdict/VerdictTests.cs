using System.Diagnostics;
using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Ocr.Tests;
using LeapAlign.Rewards.Remote.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Verdict.Tests;

public sealed class VerdictTests
{
    [Theory]
    [InlineData(PassingSide.AtLeast, 0f, 1f, 1f)]
    [InlineData(PassingSide.Below, 1f, 0f, 0f)]
    public void Another_reward_decides_by_the_threshold_and_what_it_does_not_know_is_missing(PassingSide side, params float[] expected)
    {
        using var scope = NewDisposeScope();
        var other = new Given([0.4f, 0.5f, 0.6f, float.NaN]);
        var verdict = Made(new VerdictSettings { Of = "judge", Passes = side }, RemoteCase.Context().WithRewards(name => name == "judge" ? Result.Ok<IReward>(other) : throw new InvalidOperationException(name)));
        var scores = verdict.Score(RemoteCase.Greys(4), RemoteCase.Captions(4)).data<float>().ToArray();
        Assert.Equal(expected, scores[..3]);
        Assert.True(float.IsNaN(scores[3]));
        Assert.Equal(new ScoreRange(0, 1), verdict.Range);
        Assert.IsType<IPartialReward>(verdict, exactMatch: false);
    }

    [Theory]
    [InlineData(PassingSide.AtLeast, 1)]
    [InlineData(PassingSide.Below, -1)]
    public void A_verdict_can_have_the_gradient_of_a_slope_around_its_threshold(PassingSide side, int sign)
    {
        using var scope = NewDisposeScope();
        var images = (RemoteCase.Greys(4) * 0 + tensor([0.2f, 0.5f, 0.6f, 0.9f]).view(4, 1, 1, 1)).requires_grad_();
        var context = RemoteCase.Context().WithRewards(static _ => Result.Ok<IReward>(new Brightness()));
        var settings = new VerdictSettings { Of = "judge", Passes = side, Gradient = HardGradient.StraightThrough, Width = 0.2 };
        var verdict = Made(settings, context);
        Assert.IsType<IDifferentiableReward>(verdict, exactMatch: false);
        var scores = verdict.Score(images, RemoteCase.Captions(4));
        // The last has no verdict.
        Assert.Equal(Made(settings with { Gradient = HardGradient.None }, context).Score(images, RemoteCase.Captions(4)).data<float>().ToArray(), scores.detach().data<float>().ToArray());
        Assert.Equal(float32, scores.dtype);
        scores.narrow(0, 0, 3).sum().backward();
        var gradients = images.grad!.sum([1, 2, 3]).data<float>().ToArray();
        float[] values = [0.2f, 0.5f, 0.6f];
        for (var i = 0; i < 3; i++)
        {
            var p = 1 / (1 + Math.Exp(-(values[i] - 0.5) / 0.2));
            Assert.Equal(sign * p * (1 - p) / 0.2, gradients[i], 1e-5);
        }
        Assert.Equal(0, gradients[3]);
    }

    [Fact]
    public void What_has_no_gradient_cannot_give_a_verdict_one()
    {
        var settings = new VerdictSettings { Of = "judge", Gradient = HardGradient.StraightThrough };
        var fault = FaultOf(settings, RemoteCase.Context().WithRewards(static _ => Result.Ok<IReward>(new Given([1]))));
        Assert.Equal((FaultCodes.VerdictWithoutGradient, 4), (fault.Code, fault.ExitCode));
        Assert.Contains("the reward 'judge' has no gradient", fault.Message, StringComparison.Ordinal);
        using var program = new Program("echo 1");
        Assert.Contains("a program has none", FaultOf(Settings(program) with { Gradient = HardGradient.StraightThrough }, RemoteCase.Context()).Message, StringComparison.Ordinal);
        var part = new VerdictPlugin().Parts.Single();
        Assert.DoesNotContain(Capabilities.DifferentiableReward, part.Provides(part.ReadSettings("""{"of": "judge"}""")));
        Assert.Contains(Capabilities.DifferentiableReward, part.Provides(part.ReadSettings("""{"of": "judge", "gradient": "straight-through"}""")));
    }

    [Fact]
    public void The_fault_of_the_other_reward_is_that_of_the_verdict()
    {
        var fault = new Fault.Composition(FaultCodes.NoRewardOfReward, "no");
        Assert.Same(fault, FaultOf(new VerdictSettings { Of = "judge" }, RemoteCase.Context().WithRewards(_ => fault)));
        Assert.Equal(FaultCodes.NoRewardOfReward, FaultOf(new VerdictSettings { Of = "judge" }, RemoteCase.Context()).Code);
    }

    [Fact]
    public void One_of_a_reward_and_a_program_has_to_be_named()
    {
        foreach (var settings in new[] { new VerdictSettings(), new VerdictSettings { Of = "judge", Command = ["cat"] }, new VerdictSettings { Command = ["cat"], Lowest = 2, Highest = 1 } })
        {
            var fault = FaultOf(settings, RemoteCase.Context());
            Assert.Equal((FaultCodes.VerdictOfWhat, 2), (fault.Code, fault.ExitCode));
        }
        Assert.Equal(FaultCodes.ProgramNotFound, FaultOf(new VerdictSettings { Command = ["./no-such-program"] }, RemoteCase.Context()).Code);
    }

    [Fact]
    public void A_program_has_the_picture_the_caption_and_what_its_file_says()
    {
        using var program = new Program("cat > $HERE/picture.png; printf %s \"$LEAPALIGN_CAPTION\" > $HERE/caption; printf %s \"${LEAPALIGN_METADATA-none}\" > $HERE/metadata; echo \" 12.5 \"");
        using var scope = NewDisposeScope();
        var settings = Settings(program) with { Threshold = 20, Passes = PassingSide.Below };
        Assert.Equal([1f], Score(settings, new Prompt(0, "a 'chair'\nthat stands", "{\"x\": \"é\"}")));
        Assert.Equal(PictureBytes.Of(RemoteCase.Greys(1))[0].ToPng(), File.ReadAllBytes(program.At("picture.png")));
        Assert.Equal("a 'chair'\nthat stands", File.ReadAllText(program.At("caption")));
        Assert.Equal("{\"x\": \"é\"}", File.ReadAllText(program.At("metadata")));
        Assert.Equal([0f], Score(settings with { Threshold = 12.5 }, new Prompt(0, "a")));
        Assert.Equal("none", File.ReadAllText(program.At("metadata")));
    }

    [Fact]
    public void Missing_is_not_failed()
    {
        using var program = new Program("cat > /dev/null; echo missing");
        Assert.True(float.IsNaN(Assert.Single(Score(Settings(program) with { Broken = NoVerdict.Fail, Late = NoVerdict.Fail }, new Prompt(0, "a")))));
    }

    [Theory]
    [InlineData("echo good", "the program wrote 'good' of the picture of 'a'; expected one number from 0 to 90, or the word missing")]
    [InlineData("echo 1; echo 2", "wrote '1 2'")]
    [InlineData("", "wrote ''")]
    [InlineData("echo NaN", "wrote 'NaN'")]
    [InlineData("echo inf", "wrote 'inf'")]
    [InlineData("echo 91", "wrote '91'")]
    [InlineData("echo -1", "wrote '-1'")]
    public void A_program_that_lies_is_a_fault_or_says_nothing(string script, string words)
    {
        using var program = new Program("cat > /dev/null; " + script);
        var settings = Settings(program) with { Lowest = 0, Highest = 90 };
        var fault = Assert.Throws<FaultException>(() => Score(settings, new Prompt(0, "a"))).Fault;
        Assert.Equal(FaultCodes.BadAnswer, fault.Code);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        Assert.True(float.IsNaN(Assert.Single(Score(settings with { Broken = NoVerdict.Missing }, new Prompt(0, "a")))));
    }

    [Theory]
    [InlineData(0, 0f)]
    [InlineData(90, 1f)]
    public void The_lowest_and_the_highest_number_are_answers(int answer, float expected)
    {
        using var program = new Program($"cat > /dev/null; echo {answer}");
        Assert.Equal(expected, Assert.Single(Score(Settings(program) with { Lowest = 0, Highest = 90 }, new Prompt(0, "a"))));
    }

    // What a program writes has more digits than a number of fp32.
    [Theory]
    [InlineData("0.5", 1f)]
    [InlineData("0.4999999999", 0f)]
    public void A_threshold_is_not_rounded(string answer, float expected)
    {
        using var program = new Program($"cat > /dev/null; echo {answer}");
        Assert.Equal(expected, Assert.Single(Score(Settings(program), new Prompt(0, "a"))));
    }

    [Theory]
    [InlineData("echo 1; exit 3", "ended with exit code 3")]
    [InlineData("kill -SEGV $$", "ended with exit code 139")]
    [InlineData("exec yes 1", "wrote more than maxResponseBytes (4096 bytes)")]
    public void A_program_that_fails_is_a_fault_or_says_nothing(string script, string words)
    {
        using var program = new Program(script);
        var fault = Assert.Throws<FaultException>(() => Score(Settings(program), new Prompt(0, "a"))).Fault;
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        Assert.True(float.IsNaN(Assert.Single(Score(Settings(program) with { Broken = NoVerdict.Missing }, new Prompt(0, "a")))));
    }

    [Fact]
    public void A_program_that_hangs_is_ended_with_all_that_it_started_and_its_picture_has_no_verdict()
    {
        using var program = new Program("trap '' TERM INT; if [ \"$LEAPALIGN_CAPTION\" = quick ]; then echo 1; exit; fi; sleep 300 & echo $! > $HERE/child; wait");
        var watch = Stopwatch.StartNew();
        var scores = Score(Settings(program) with { Timeout = 1, Broken = NoVerdict.Fail }, new Prompt(0, "slow"), new Prompt(1, "quick"));
        Assert.True(float.IsNaN(scores[0]));
        Assert.Equal(1f, scores[1]);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{watch.Elapsed}");
        Ended(program);
        var fault = Assert.Throws<FaultException>(() => Score(Settings(program) with { Timeout = 1, Late = NoVerdict.Fail, Broken = NoVerdict.Missing }, new Prompt(0, "slow"))).Fault;
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.Contains("had not ended after 1 s", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_is_asked_to_stop_does_not_wait_for_a_check()
    {
        using var program = new Program("sleep 300 & echo $! > $HERE/child.new; mv $HERE/child.new $HERE/child; wait");
        using var stop = new CancellationTokenSource();
        var watch = Stopwatch.StartNew();
        var started = Task.Run(() =>
        {
            var begun = SpinWait.SpinUntil(() => File.Exists(program.At("child")), TimeSpan.FromSeconds(30));
            stop.Cancel();
            return begun;
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Score(Settings(program) with { Timeout = 200 }, RemoteCase.Context(stop.Token), new Prompt(0, "a")));
        Assert.True(await started);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{watch.Elapsed}");
        Ended(program);
    }

    private static void Ended(Program program)
    {
        var child = File.ReadAllText(program.At("child")).Trim();
        Assert.True(SpinWait.SpinUntil(() => !Runs(child), TimeSpan.FromSeconds(10)), $"process {child} still runs");
    }

    // A process that ended and that nobody has asked about is still in the table, as a zombie.
    private static bool Runs(string process) => File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);

    private static VerdictSettings Settings(Program program) => new() { Command = [program.Path], Timeout = 20 };

    private static float[] Score(VerdictSettings settings, params Prompt[] prompts) => Score(settings, RemoteCase.Context(), prompts);

    private static float[] Score(VerdictSettings settings, PartContext context, params Prompt[] prompts)
    {
        using var scope = NewDisposeScope();
        return Made(settings, context).Score(RemoteCase.Greys(prompts.Length), prompts).data<float>().ToArray();
    }

    private static VerdictReward Made(VerdictSettings settings, PartContext context) => VerdictReward.Create(settings, context).Match(static made => (VerdictReward)made, static fault => throw new FaultException(fault));

    private static Fault FaultOf(VerdictSettings settings, PartContext context) => VerdictReward.Create(settings, context).Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);

    // The mean of a picture; none of one that is very bright.
    private sealed class Brightness : IDifferentiableReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
        {
            var mean = images.mean([1, 2, 3]);
            // Whose gradient is there where its score is not.
            return mean + where(mean.detach().gt(0.8), tensor(float.NaN), tensor(0f));
        }
    }

    private sealed class Given(float[] scores) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => tensor(scores);
    }
}
