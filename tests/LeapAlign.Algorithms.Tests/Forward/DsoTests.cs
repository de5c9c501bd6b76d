using LeapAlign.Algorithms.Forward.Dso;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class DsoTests
{
    private static readonly DsoSettings s_settings = new() { Timesteps = 2 };

    [Fact]
    public void The_preference_agrees_with_the_published_form()
    {
        using var scope = NewDisposeScope();
        var errors = Numbers(0.50, 0.46).requires_grad_();
        var loss = new DsoAlgorithm(s_settings with { Loss = FeedbackLoss.Dpo }).Losses(errors, Numbers(0.49, 0.47), Numbers(1, 0));
        Assert.Equal(5.006715348, loss.item<double>(), 1e-9);
        loss.sum().backward();
        Assert.Equal(248.326787269, errors.grad![0].item<double>(), 1e-8);
        Assert.Equal(-248.326787269, errors.grad![1].item<double>(), 1e-8);
    }

    [Fact]
    public void Direct_optimisation_agrees_with_the_published_form()
    {
        using var scope = NewDisposeScope();
        var (errors, verdicts) = (Numbers(0.5, 0.46, 0.4, 0.6), Numbers(1, 0, 1, 0));
        Assert.Equal(-0.04, new DsoAlgorithm(s_settings with { Guard = null, Pairs = false }).Losses(errors, null, verdicts).mean().item<double>(), 1e-12);
        // Of pairs: the mean error of what passed minus that of what failed.
        Assert.Equal(-0.08, new DsoAlgorithm(s_settings with { Guard = null }).Losses(Numbers(0.5, 0.4, 0.46, 0.6), null, Numbers(1, 1, 0, 0)).mean().item<double>(), 1e-12);
    }

    [Fact]
    public void Verdicts_that_all_passed_are_flow_matching()
    {
        using var scope = NewDisposeScope();
        var errors = Numbers(0.5, 0.46, 0.4).requires_grad_();
        var loss = new DsoAlgorithm(s_settings with { Pairs = false }).Losses(errors, zeros_like(errors), ones_like(errors)).mean();
        Assert.Equal((0.5 + 0.46 + 0.4) / 3, loss.item<double>(), 1e-12);
        loss.backward();
        Assert.Equal([1 / 3.0, 1 / 3.0, 1 / 3.0], errors.grad!.data<double>().ToArray());
    }

    [Fact]
    public void The_guard_stops_what_failed_at_its_bound_and_what_passed_never()
    {
        using var scope = NewDisposeScope();
        var errors = Numbers(9, 0.62, 0.7).requires_grad_();
        var losses = new DsoAlgorithm(s_settings with { Guard = 0.1 }).Direct(errors, Numbers(0.5, 0.55, 0.55), Numbers(1, 0, 0));
        Assert.Equal(9, losses[0].item<double>(), 1e-12);
        Assert.Equal(-0.07, losses[1].item<double>(), 1e-12);
        Assert.Equal(-0.1, losses[2].item<double>(), 1e-12);
        losses.sum().backward();
        Assert.Equal([1.0, -1.0, 0.0], errors.grad!.data<double>().ToArray());
    }

    [Theory]
    [InlineData(FeedbackLoss.Dro, 0.05, true)]
    [InlineData(FeedbackLoss.Dro, null, true)]
    [InlineData(FeedbackLoss.Dpo, null, true)]
    [InlineData(FeedbackLoss.Dpo, null, false)]
    public void The_gradient_is_the_derivative_of_the_stated_loss_on_pictures(FeedbackLoss loss, double? guard, bool shared)
    {
        using var scope = NewDisposeScope();
        var network = Judged(2);
        var descent = network.Descend(new DsoAlgorithm(s_settings with { Loss = loss, Guard = guard, Beta = 3, SharedNoise = shared }));
        Assert.Equal(0, network.Scorings);
        Compare(network, descent, loss, guard);
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(null)]
    public void Samples_by_themselves_count_by_their_own_verdict(double? guard)
    {
        using var scope = NewDisposeScope();
        var network = Judged(2);
        var descent = network.Descend(new DsoAlgorithm(s_settings with { Guard = guard, Pairs = false }));
        Assert.Equal(8 * 2, network.Trainings.Sum(static call => call.Samples));
        var (oracle, points) = Points(network);
        oracle.Compare(descent, (a, b) => points.Average(samples => samples.Average(at => Direct(oracle, at, (a, b), guard, Passed(network, at.Clean)))));
    }

    [Fact]
    public void Pairs_have_one_that_passed_and_one_that_failed_of_the_same_prompt()
    {
        using var scope = NewDisposeScope();
        var network = Judged(2);
        network.Descend(new DsoAlgorithm(s_settings));
        Assert.All(network.Trainings, call =>
        {
            var clean = CopgTests.Clean(network, call);
            var pairs = call.Samples / 2;
            Assert.Equal(call.Groups[..pairs], call.Groups[pairs..]);
            Assert.All(clean[..pairs], sample => Assert.True(Passed(network, sample)));
            Assert.All(clean[pairs..], sample => Assert.False(Passed(network, sample)));
            Assert.Equal(call.Sigmas[..pairs], call.Sigmas[pairs..]);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_sides_of_a_pair_share_noise_when_they_are_to(bool shared)
    {
        using var scope = NewDisposeScope();
        var network = Judged(1);
        network.Descend(new DsoAlgorithm(s_settings with { SharedNoise = shared }));
        Assert.All(network.Trainings, call =>
        {
            var noise = CopgTests.Noise(network, call);
            var pairs = call.Samples / 2;
            Assert.All(Enumerable.Range(0, pairs), pair => Assert.Equal(shared, Math.Abs(noise[pair] - noise[pair + pairs]) < 1e-6));
        });
    }

    [Fact]
    public void Online_a_missing_verdict_is_none_and_prompts_without_both_are_left_out()
    {
        using var scope = NewDisposeScope();
        // Of four prompts with two samples each: both verdicts, one missing, both passed, both verdicts.
        double[] rewards = [1, 0, double.NaN, 0, 1, 1, 0, 1];
        var network = Rolled(rewards);
        var descent = network.Descend(new DsoAlgorithm(s_settings with { Source = SampleSource.Online, Guard = null }));
        Assert.Equal([0, 3], network.Trainings.SelectMany(static call => call.Groups).Distinct().Order());
        var flat = CopgTests.Flat(network);
        var (oracle, points) = Points(network);
        oracle.Compare(descent, (a, b) => points.Average(samples => samples.Sum(at => Direct(oracle, at, (a, b), null, rewards[Array.IndexOf(flat, at.Clean)] > 0.5)) / (samples.Length / 2)));
        Assert.All(descent.Rewards, static reward => Assert.False(double.IsNaN(reward)));
    }

    [Fact]
    public void A_step_without_a_pair_learns_nothing_and_says_so()
    {
        using var scope = NewDisposeScope();
        List<Fault> told = [];
        var network = Rolled([1, 1, 0, 0, double.NaN, 1, 0, double.NaN]);
        Assert.Empty(network.Descend(new DsoAlgorithm(s_settings with { Source = SampleSource.Online }) { Warn = told.Add }).Objectives);
        Assert.Equal(FaultCodes.NoVerdictPairs, Assert.Single(told).Code);
        told.Clear();
        Assert.NotEmpty(network.Descend(new DsoAlgorithm(s_settings with { Source = SampleSource.Online, Pairs = false }) { Warn = told.Add }).Objectives);
        Assert.Empty(told);
    }

    [Fact]
    public void A_preference_needs_pairs()
    {
        var shape = new RunShape(new Schedule([1, 0.5, 0]), 4, Group: 2);
        Assert.True(new DsoAlgorithm(s_settings with { Loss = FeedbackLoss.Dpo }).Check(shape).IsOk);
        Assert.False(new DsoAlgorithm(s_settings with { Loss = FeedbackLoss.Dpo, Pairs = false }).Check(shape).IsOk);
        Assert.False(new DsoAlgorithm(s_settings with { Source = SampleSource.Online }).Check(shape with { Group = 3 }).IsOk);
        Assert.True(new DsoAlgorithm(s_settings with { Source = SampleSource.Online, Pairs = false }).Check(shape with { Group = 3 }).IsOk);
    }

    // Three pictures of each prompt, of which the second passed, and every other time the third.
    private static PolicyNetwork Judged(int batches)
    {
        var pictured = CopgTests.Pictured(batches);
        return new PolicyNetwork { Clean = pictured.Clean, Groups = pictured.Groups, Further = pictured.Further, Scored = static prompt => [0, 1, prompt % 2] };
    }

    private static PolicyNetwork Rolled(double[] rewards)
    {
        var grouped = Networks.Grouped();
        var flat = CopgTests.Flat(grouped);
        return new PolicyNetwork { Clean = grouped.Clean, Groups = grouped.Groups, Judge = sample => rewards[Array.FindIndex(flat, clean => clean.SequenceEqual(sample))] };
    }

    private static bool Passed(PolicyNetwork network, double[] sample) => Array.IndexOf(CopgTests.Flat(network), sample) is var at && network.Scored!(at / 3)[at % 3] > 0.5;

    private static (Oracle Oracle, IReadOnlyList<Oracle.Sample[]> Points) Points(PolicyNetwork network)
    {
        PolicyNetwork.Call[] calls = [.. network.Trainings];
        var oracle = new Oracle(network);
        return (oracle, oracle.Points(number => CopgTests.Clean(network, calls[number])));
    }

    private static double Direct(Oracle oracle, Oracle.Sample at, (double A, double B) weights, double? guard, bool passed)
    {
        var error = Oracle.Square(Oracle.Velocity(at, weights), at.Target);
        return passed ? error : guard is { } bound ? -Math.Min(error - Oracle.Square(oracle.Copy("reference", at), at.Target), bound) : -error;
    }

    private static void Compare(PolicyNetwork network, PolicyNetwork.Descent descent, FeedbackLoss loss, double? guard)
    {
        var (oracle, points) = Points(network);
        oracle.Compare(descent, (a, b) => points.Average(samples => Enumerable.Range(0, samples.Length / 2).Average(pair =>
        {
            var (passed, failed) = (samples[pair], samples[pair + (samples.Length / 2)]);
            if (loss == FeedbackLoss.Dro) return Direct(oracle, passed, (a, b), guard, passed: true) + Direct(oracle, failed, (a, b), guard, passed: false);
            double Gain(Oracle.Sample at) => Oracle.Square(Oracle.Velocity(at, (a, b)), at.Target) - Oracle.Square(oracle.Copy("reference", at), at.Target);
            return Math.Log(1 + Math.Exp(0.5 * 3 * (Gain(passed) - Gain(failed))));
        })));
    }

    private static Tensor Numbers(params double[] values) => tensor(values, dtype: float64);
}
