using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>Where the methods coincide, and where they must not.</summary>
public sealed class EquivalenceTests
{
    private static readonly int Steps = new CurvedNetwork().Schedule.Steps;

    [Fact]
    public void The_whole_path_has_one_gradient_however_it_is_taken()
    {
        using var scope = NewDisposeScope();
        var nested = Gradient(Given.Draft(Steps));
        Same(nested, Gradient(Given.Full()));
        Same(nested, Gradient(Given.Draft(Steps, checkpoint: true)));
        Same(Gradient(Given.Draft(3)), Gradient(Given.Draft(3, checkpoint: true)));
        Differ(nested, Gradient(Given.Draft(Steps - 1)));
    }

    [Fact]
    public void At_the_last_step_refl_draft_and_drtune_coincide()
    {
        using var scope = NewDisposeScope();
        var refl = Gradient(Given.Refl(Steps - 1));
        Same(refl, Gradient(Given.Draft(1)));
        Same(refl, Gradient(Given.Draft(1, reNoised: 0)));
        Same(refl, Gradient(Given.Drtune(Steps - 1, Steps - 1)));
        Differ(refl, Gradient(Given.Draft(1, reNoised: 2)));
    }

    [Fact]
    public void Drtune_that_trains_its_stop_alone_is_refl()
    {
        using var scope = NewDisposeScope();
        for (var step = 0; step < Steps; step++) Same(Gradient(Given.Refl(step)), Gradient(Given.Drtune(step, step)));
    }

    [Fact]
    public void Drtune_does_not_see_the_Jacobian_of_the_network_and_nested_methods_do()
    {
        using var scope = NewDisposeScope();
        foreach (var jacobian in new[] { 0.0, 0.5, 3.0 })
        {
            Same(Gradient(Given.Drtune(4, 0, 2, 4)), Gradient(Given.Drtune(4, 0, 2, 4), jacobian));
            Differ(Gradient(Given.Full()), Gradient(Given.Full(), jacobian));
        }
    }

    [Fact]
    public void The_gradient_of_several_batches_is_the_mean_of_theirs()
    {
        using var scope = NewDisposeScope();
        foreach (var algorithm in new IAlgorithm[] { Given.Full(), Given.Draft(2, checkpoint: true), Given.Draft(2), Given.Refl(3), Given.Drtune(3, 0, 2) })
        {
            var network = new CurvedNetwork { Batches = 3 };
            Same(network.Descend(algorithm), Mean(algorithm, 3));
            Assert.Equal(network.Rewards.Average(static reward => 50 - reward), network.Loss, 1e-12);
        }

        static double[] Mean(IAlgorithm algorithm, int batches)
        {
            var all = Enumerable.Range(0, batches).Select(first => new CurvedNetwork { First = first }.Descend(algorithm)).ToList();
            return [.. all[0].Select((_, entry) => all.Average(gradient => gradient[entry]))];
        }
    }

    private static double[] Gradient(IAlgorithm algorithm, double jacobian = 1) => new CurvedNetwork { Jacobian = jacobian }.Descend(algorithm);

    private static void Same(double[] left, double[] right) =>
        Assert.True(Given.Distance(left, right) <= 1e-12 * Given.Norm(left), $"gradients differ by {Given.Distance(left, right):G3} of {Given.Norm(left):G3}");

    private static void Differ(double[] left, double[] right) =>
        Assert.True(Given.Distance(left, right) >= 1e-3 * Given.Norm(left), $"gradients differ by {Given.Distance(left, right):G3} of {Given.Norm(left):G3} only");
}
