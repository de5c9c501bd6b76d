using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram.Tests;

/// <summary>The curvature that mfac gives to others (<c>inverse-curvature</c>), against the recursion of the paper's static form.</summary>
public sealed class MfacCurvatureTests
{
    private static readonly double[][] s_recorded = [[1, 2, 0], [0, 1, -1], [1, 0, 1]];

    [Fact]
    public void After_updates_with_the_recorded_gradients_it_is_the_recorded_inverse_and_that_of_the_recursion()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0, 0);
        using var optimization = Begin(new MfacSettings { DampingMode = DampingMode.Absolute, Damping = 0.1, Window = 3, Rate = 1e-6 }, weight);
        Assert.Null(optimization.InverseCurvature([ones(3, dtype: float64)]));
        Update(optimization, weight, s_recorded);
        var found = Assert.Single(optimization.InverseCurvature([ones(3, dtype: float64)])!).Values();
        Assert.All(new[] { -0.708857261, 1.239463866, 2.151443968 }.Zip(found), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        Assert.All(Recursion(s_recorded, 3, 0.1, ones(3, dtype: float64)).Values().Zip(found), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        // The same gradients in another order are the same curvature, and the oldest of four gives way.
        Update(optimization, weight, [s_recorded[0]]);
        Assert.All(found.Zip(optimization.InverseCurvature([ones(3, dtype: float64)])![0].Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    // With momentum and a rate the weights move otherwise; the curvature is that of the gradients.
    [Theory]
    [InlineData(DampingMode.Absolute, 0.3, 0.3)]
    [InlineData(DampingMode.Relative, 0.3, 0.3 * ((25 + 2) / 2.0))]
    public void Its_products_are_those_of_the_matrix_that_is_inverted(DampingMode mode, double damping, double lambda)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Given.Weight(1, 2), Given.Weight(3));
        using var optimization = (ICurvatureOptimization)new MfacOptimizer(new MfacSettings { DampingMode = mode, Damping = damping, Window = 4, Momentum = 0.5, Rate = 0.1 }).Begin(Given.Set(first, second));
        (first.grad, second.grad) = (tensor([3.0, 0]), tensor([4.0]));
        optimization.Update(new UpdateContext(0));
        (first.grad, second.grad) = (tensor([1.0, -1]), null);
        optimization.Update(new UpdateContext(1));
        double[][] rows = [[3, 0, 4], [1, -1, 0], [0, 0, 0], [0, 0, 0]];
        var curvature = eye(3, dtype: float64) * lambda;
        foreach (var row in rows) curvature += tensor(row).outer(tensor(row)) / 4;
        Tensor[] inverse = [.. Enumerable.Range(0, 3).Select(place =>
        {
            var unit = eye(3, dtype: float64)[place];
            // Absent is zero.
            var found = optimization.InverseCurvature([place == 2 ? null : unit[..2], place == 2 ? unit[2..] : null])!;
            return cat([.. found]);
        })];
        var product = curvature.matmul(stack(inverse, 1));
        Assert.InRange((product - eye(3, dtype: float64)).abs().max().item<double>(), 0, 1e-12);
        Assert.InRange((stack(inverse) - stack(inverse).t()).abs().max().item<double>(), 0, 1e-12);
        Assert.Throws<ArgumentException>(() => optimization.InverseCurvature([ones(2, dtype: float64)]));
    }

    // The step is the inverse times the gradient: parts of a gradient have parts of the step.
    [Fact]
    public void The_parts_of_a_gradient_have_parts_of_the_update()
    {
        using var scope = NewDisposeScope();
        var weight = zeros(50, dtype: float64).requires_grad_();
        using var optimization = Begin(new MfacSettings { Window = 5, Rate = 1, Damping = 1e-2 }, weight);
        Tensor Draw(string what) => RandomKey.OfRun(5).For(what).Normal([50], CPU).to(float64);
        Update(optimization, weight, [.. Enumerable.Range(0, 7).Select(step => Draw($"g{step}").Values())]);
        var before = weight.detach().clone();
        Tensor[] parts = [Draw("a"), Draw("b") * 3, Draw("c") * -2];
        weight.grad = parts[0] + parts[1] + parts[2];
        optimization.Update(new UpdateContext(7));
        var update = parts.Select(part => optimization.InverseCurvature([part])![0]).Aggregate(static (sum, next) => sum + next);
        Assert.InRange((before - weight.detach() - update).abs().max().item<double>(), 0, 1e-12);
        Assert.True(update.norm().item<double>() > 0.05);
    }

    [Fact]
    public void A_state_that_was_loaded_has_the_same_curvature_and_asking_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var (weight, other) = (Given.Weight(0, 0, 0), Given.Weight(0, 0, 0));
        var settings = new MfacSettings { Window = 2 };
        using var optimization = Begin(settings, weight);
        Update(optimization, weight, s_recorded);
        var vector = tensor([1.0, -2, 0.5]);
        var found = optimization.InverseCurvature([vector])![0].Values();
        Assert.Equal(found, optimization.InverseCurvature([vector])![0].Values());
        Assert.Equal([1, -2, 0.5], vector.Values());
        using var loaded = Begin(settings, other);
        Assert.True(((IStateful)loaded).Load(((IStateful)optimization).Save()).IsOk);
        Assert.Equal(found, loaded.InverseCurvature([vector])![0].Values());
    }

    [Fact]
    public void Gradients_of_zeros_are_no_curvature_where_damping_is_relative()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        using var optimization = Begin(new MfacSettings { Window = 2 }, weight);
        Update(optimization, weight, [[0, 0]]);
        Assert.Null(optimization.InverseCurvature([ones(2, dtype: float64)]));
        using var absolute = Begin(new MfacSettings { Window = 2, DampingMode = DampingMode.Absolute, Damping = 0.25 }, weight);
        Assert.Null(absolute.InverseCurvature([ones(2, dtype: float64)]));
        Update(absolute, weight, [[0, 0]]);
        Assert.Equal([4.0, 4], absolute.InverseCurvature([ones(2, dtype: float64)])![0].Values());
    }

    [Fact]
    public void The_part_says_that_it_provides_one()
    {
        var part = new GramPlugin().Parts.Single(static part => part.Id == "mfac");
        Assert.Contains(Capabilities.InverseCurvature, part.Provides(part.ReadSettings("{}")));
        Assert.Contains(Capabilities.InverseCurvature, PartKinds.Of(PartKinds.Optimizer).Capabilities);
    }

    private static ICurvatureOptimization Begin(MfacSettings settings, Tensor weight) => (ICurvatureOptimization)new MfacOptimizer(settings).Begin(Given.Set(weight));

    private static void Update(IOptimization optimization, Tensor weight, double[][] gradients)
    {
        for (var step = 0; step < gradients.Length; step++)
        {
            weight.grad = tensor(gradients[step]);
            optimization.Update(new UpdateContext(step));
        }
    }

    // h_i = g_i/λ − Σ_{j<i} h_j (h_jᵀ g_i) / (m + g_jᵀ h_j), and the answer alike.
    private static Tensor Recursion(double[][] rows, int window, double damping, Tensor vector)
    {
        List<(Tensor Gradient, Tensor Direction)> before = [];
        Tensor Inverse(Tensor of) => before.Aggregate(of / damping, (sum, each) => sum - (each.Direction * each.Direction.dot(of) / (window + each.Gradient.dot(each.Direction))));
        foreach (var row in rows)
        {
            var gradient = tensor(row);
            before.Add((gradient, Inverse(gradient)));
        }
        return Inverse(vector);
    }
}
