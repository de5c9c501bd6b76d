using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

public sealed class SparseTests
{
    private static readonly SparseSettings s_settings = new() { GradientRescale = 0, Hinge = Scalar.Hinge };

    [Property(MaxTest = 200)]
    public bool Active_steps_lie_in_the_window(long seed, PositiveInt extra, PositiveInt active, PositiveInt percent)
    {
        var steps = 1 + (extra.Get % 50);
        var settings = s_settings with { ActiveSteps = 1 + (active.Get % 10), TailRatio = ((percent.Get % 100) + 1) / 100.0 };
        var sparse = new SparseSteps(settings);
        var window = sparse.Window(steps);
        var drawn = sparse.Draw(RandomKey.OfRun(seed), steps);
        return drawn.Count == Math.Min(settings.ActiveSteps, window.Count) && drawn.All(step => step >= window.First && step < steps)
            && drawn.SequenceEqual(sparse.Draw(RandomKey.OfRun(seed), steps));
    }

    [Fact]
    public void Weights_of_the_draw_count_from_the_beginning_of_the_schedule()
    {
        // A window of the steps 10 and 11: squares of 11 and 12 if counted from the schedule's beginning, of 1 and 2 if counted from its own.
        const int draws = 4000, steps = 12;
        var sparse = new SparseSteps(s_settings with { ActiveSteps = 1, LateBias = 2, TailRatio = 2.0 / steps });
        var late = Enumerable.Range(0, draws).Count(seed => sparse.Draw(RandomKey.OfRun(seed), steps)[0] == steps - 1);
        Assert.InRange(late / (double)draws, 0.50, 0.60);
    }

    [Property(MaxTest = 20)]
    public bool The_gradient_is_the_sum_over_active_steps(int set)
    {
        using var scope = NewDisposeScope();
        int[] active = [.. Enumerable.Range(0, 4).Where(step => (set & (1 << step)) != 0)];
        if (active.Length == 0) return true;
        var (_, a, b) = Derivatives(s_settings, active);
        var alone = active.Select(step => Derivatives(s_settings, [step])).ToList();
        return Math.Abs(a - alone.Sum(static part => part.A)) < 1e-12 && Math.Abs(b - alone.Sum(static part => part.B)) < 1e-12;
    }

    [Property(MaxTest = 20)]
    public bool A_full_rescale_makes_up_for_the_window(PositiveInt set, PositiveInt tail)
    {
        using var scope = NewDisposeScope();
        var network = new ScalarNetwork();
        var settings = s_settings with { GradientRescale = 1, TailRatio = (1 + (tail.Get % 4)) / 4.0 };
        var window = new SparseSteps(settings).Window(4);
        int[] active = [.. window.Steps.Where(step => (set.Get & (1 << step)) != 0)];
        if (active.Length == 0) return true;
        var (objective, _, _) = Derivatives(settings, active);
        double Length(int step) => network.Schedule.Delta(step + 1, step);
        return Math.Abs((objective.Measurement("gradient_factor") * active.Sum(Length)) - window.Steps.Sum(Length)) < 1e-12;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.4)]
    [InlineData(1)]
    public void With_every_step_active_nothing_is_rescaled(double strength)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(1, Derivatives(s_settings with { GradientRescale = strength }, [0, 1, 2, 3]).Objective.Measurement("gradient_factor"), 1e-12);
    }

    [Fact]
    public void The_composed_sample_is_that_of_the_rollout()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0, Derivatives(s_settings with { GradientRescale = 1 }, [1, 2]).Objective.Measurement("distance_0"), 1e-12);
    }

    [Fact]
    public void Each_step_is_evaluated_once()
    {
        using var scope = NewDisposeScope();
        var network = new ScalarNetwork();
        Scalar.Derivatives(new SparseAlgorithm(s_settings, static (_, _) => [0, 3]), network);
        Assert.Equal([(0, true), (1, false), (2, false), (3, true)], network.Steps);
    }

    [Fact]
    public void The_loss_is_the_mean_over_the_batch()
    {
        using var scope = NewDisposeScope();
        double[] noise = [1.5, -0.7, 0.2];
        double A(double[] samples) => new ScalarNetwork { Noise = samples }.Descend(new SparseAlgorithm(s_settings, static (_, _) => [1, 3]), Scalar.Sampler).A;
        Assert.Equal(noise.Average(value => A([value])), A(noise), 1e-12);
    }

    private static (Contracts.Algorithms.Objective Objective, double A, double B) Derivatives(SparseSettings settings, int[] active) =>
        Scalar.Derivatives(new SparseAlgorithm(settings, (_, _) => active));
}
