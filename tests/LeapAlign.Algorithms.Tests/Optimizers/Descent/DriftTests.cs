using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization.Games;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Descent.Tests;

public sealed class DriftTests
{
    private const double First = 0.02;
    private const double Second = 0.05;

    private static Game Polynomials => new(
        static (phi, theta) => ((phi.square() * theta) + (phi * theta.square())).sum(),
        static (phi, theta) => ((phi.square() * theta.square()) - (phi * theta)).sum());

    [Fact]
    public void Coefficients_are_the_recorded_ones()
    {
        Assert.Equal(new DriftCoefficients(0.01, 0.01, 0.025, 0.025), DriftCoefficients.Simultaneous(First, Second));
        var alternating = DriftCoefficients.Alternating(First, Second);
        Assert.Equal((0.01, 0.01, 0.025), (alternating.FirstSelf, alternating.FirstInteraction, alternating.SecondSelf));
        Assert.Equal(0.005, alternating.SecondInteraction, 1e-15);
        var turns = DriftCoefficients.Alternating(First, Second, 2, 5);
        Assert.Equal((0.005, 0.005), (turns.FirstSelf, turns.SecondSelf), Close);
        Assert.Equal((alternating.FirstInteraction, alternating.SecondInteraction), (turns.FirstInteraction, turns.SecondInteraction));
    }

    [Fact]
    public void What_is_cancelled_of_a_game_is_recorded()
    {
        using var scope = NewDisposeScope();
        var game = Polynomials;
        var field = game.Field(Given.Set(Given.Weight(0.7)), Given.Set(Given.Weight(-0.4)));
        Assert.Equal((-0.4, -1.092), (field.Here.Trained[0]!.Values()[0], field.Here.Own[0]!.Values()[0]), Close);
        var added = new DriftObjective(new DriftSettings { Rate = First, OwnRate = Second }).Of(field);
        Assert.Equal(0.006552, added.Trained[0]!.Values()[0], 1e-11);
        Assert.Equal(-0.0212, added.Own[0]!.Values()[0], 1e-11);
        Assert.Equal((0.006552, 0.0212), (game.Measured["length"], game.Measured["own_length"]), static (one, other) => Close(one, other, 1e-11));
        // Two gradients for each player.
        Assert.Equal([0, 0, 0, 0], game.Asked);
    }

    [Fact]
    public void One_rate_stands_for_both()
    {
        using var scope = NewDisposeScope();
        PlayerGradients Of(double? own) => new DriftObjective(new DriftSettings { Rate = Second, OwnRate = own }).Of(Polynomials.Field(Given.Set(Given.Weight(0.7)), Given.Set(Given.Weight(-0.4))));
        Assert.Equal(Of(Second).Own[0]!.Values(), Of(null).Own[0]!.Values());
    }

    // L₁ = φθ = −L₂ from radius 1: (1 + h²)^50 without, (1 + h⁴/4)^50 with what is cancelled.
    [Theory]
    [InlineData(false, 1.644631822)]
    [InlineData(true, 1.001250766)]
    public void A_hundred_steps_of_a_bilinear_game_end_at_the_recorded_radius(bool cancels, double radius)
    {
        using var scope = NewDisposeScope();
        var (phi, theta) = (Given.Weight(1), Given.Weight(0));
        new Game(static (phi, theta) => (phi * theta).sum(), static (phi, theta) => (phi * theta).sum().neg()).Descend((phi, theta), 0.1, 100, cancels ? new DriftObjective(new DriftSettings { Rate = 0.1 }) : null);
        Assert.Equal(radius, Math.Sqrt(phi.square().item<double>() + theta.square().item<double>()), 5e-10);
    }

    // The terms as their authors write them, by second derivatives.
    [Theory]
    [InlineData(DriftTerms.Interaction)]
    [InlineData(DriftTerms.All)]
    public void Differences_of_gradients_are_the_gradients_of_the_terms(DriftTerms terms)
    {
        using var scope = NewDisposeScope();
        static Tensor Drawn(string name, params long[] shape) => RandomKey.OfRun(3).For(name).Normal(shape, CPU).to(float64);
        var (one, other) = (Drawn("one", 3, 4), Drawn("other", 3, 4));
        Tensor L1(Tensor phi, Tensor theta) => (one.mv(theta) * phi.tanh()).sum() + phi.square().sum();
        Tensor L2(Tensor phi, Tensor theta) => (other.t().mv(phi) * theta.sin()).sum() + (theta.square().square().sum() * 0.1);
        var (phi, theta) = (Drawn("phi", 3).requires_grad_(), Drawn("theta", 4).requires_grad_());
        var added = new DriftObjective(new DriftSettings { Rate = First, OwnRate = Second, Cancel = terms, Reach = 1e-4 }).Of(new Game(L1, L2).Field(Given.Set(phi), Given.Set(theta)));

        Tensor Gradient(Func<Tensor, Tensor, Tensor> loss, Tensor of) => autograd.grad([loss(phi, theta)], [of], retain_graph: true, create_graph: true)[0];
        Tensor Term(Func<Tensor, Tensor, Tensor> own, Func<Tensor, Tensor, Tensor> others, Tensor ownWeights, Tensor othersWeights, double rate)
        {
            var interaction = (Gradient(own, othersWeights) * Gradient(others, othersWeights).detach()).sum() * (rate / 2);
            return terms == DriftTerms.All ? interaction + (Gradient(own, ownWeights).square().sum() * (rate / 4)) : interaction;
        }
        var (expected, expectedOwn) = (Given.Derivative(Term(L1, L2, phi, theta, First), phi).neg(), Given.Derivative(Term(L2, L1, theta, phi, Second), theta).neg());
        Assert.All(expected.Values().Zip(added.Trained[0]!.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-8));
        Assert.All(expectedOwn.Values().Zip(added.Own[0]!.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-8));
        Assert.NotEqual(0, expected.abs().sum().item<double>());
    }

    // What the second player's gradient is, depends on where the first has moved to.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_step_follows_the_flow_of_the_terms_to_third_order(bool alternates)
    {
        double Error(double rate)
        {
            using var scope = NewDisposeScope();
            var game = Polynomials;
            var (phi, theta) = (Given.Weight(0.7), Given.Weight(-0.4));
            var at = game.At(phi, theta, 0);
            var movedPhi = phi.detach() - (at.Trained[0]! * rate);
            var movedTheta = theta.detach() - (game.At(alternates ? movedPhi : phi, theta, 0).Own[0]! * rate);
            // With unequal rates a joint flow has the other player's in an interaction; the coefficients have each player's own.
            var terms = alternates ? DriftCoefficients.Alternating(rate, rate) : DriftCoefficients.Simultaneous(rate, rate);
            var (x, y) = (phi.detach().clone(), theta.detach().clone());
            const int parts = 200;
            for (var part = 0; part < parts; part++)
            {
                var middle = Flow(x, y);
                middle = Flow(x - (middle.Phi * (0.5 / parts)), y - (middle.Theta * (0.5 / parts)));
                (x, y) = (x - (middle.Phi / parts), y - (middle.Theta / parts));
            }
            return (x - movedPhi).abs().item<double>() + (y - movedTheta).abs().item<double>();

            (Tensor Phi, Tensor Theta) Flow(Tensor phi, Tensor theta)
            {
                var here = game.At(phi, theta, 0);
                var (f, g) = (here.Trained[0]!, here.Own[0]!);
                var (p, t) = (phi, theta);
                // Derivatives of f = 2φθ + θ² and g = 2φ²θ − φ.
                var (ff, ft, gf, gt) = (t * 2, (p * 2) + (t * 2), (p * t * 4) - 1, p.square() * 2);
                return ((f + (ff * f * terms.FirstSelf) + (ft * g * terms.FirstInteraction)) * rate, (g + (gt * g * terms.SecondSelf) + (gf * f * terms.SecondInteraction)) * rate);
            }
        }
        var order = Math.Log2(Error(0.02) / Error(0.01));
        Assert.InRange(order, 2.8, 3.2);
    }

    [Fact]
    public void An_independent_draw_gives_the_direction_alone()
    {
        using var scope = NewDisposeScope();
        // The draw scales the second player's loss, and turns the first one's round.
        var game = new Game(
            static (phi, theta, draw) => (phi * theta.square()).sum() * (draw == 0 ? 1 : -1),
            static (phi, theta, draw) => (phi * theta).sum() * (draw == 0 ? 1 : 3));
        var (phi, theta) = (Given.Set(Given.Weight(2)), Given.Set(Given.Weight(5)));
        var shared = new DriftObjective(new DriftSettings { Rate = 2 }).Of(game.Field(phi, theta));
        // f = θ², f_θ = 2θ = 10, g = φ = 2.
        Assert.Equal(-20, shared.Trained[0]!.Values()[0], 1e-7);
        Assert.Equal(-25, shared.Own[0]!.Values()[0], 1e-7);
        game.Asked.Clear();
        var own = new DriftObjective(new DriftSettings { Rate = 2, Independent = true }).Of(game.Field(phi, theta));
        Assert.Equal(-60, own.Trained[0]!.Values()[0], 1e-7);
        Assert.Equal(25, own.Own[0]!.Values()[0], 1e-7);
        Assert.Equal([1, 0, 0, 0, 0], game.Asked);
    }

    [Fact]
    public void A_player_that_has_no_gradient_or_depends_on_nothing_is_left_alone()
    {
        using var scope = NewDisposeScope();
        ParameterSet trained = Given.Set(Given.Weight(1), Given.Weight(2)), own = Given.Set(Given.Weight(3), Given.Weight(4));
        var asked = 0;
        var field = new GradientField(trained, own, new PlayerGradients([ones(1, dtype: float64), null], [zeros(1, dtype: float64), null]))
        {
            Elsewhere = (trainedValues, ownValues, _) =>
            {
                asked++;
                Assert.Null(ownValues);
                Assert.Equal(2, trainedValues![1].Values()[0]);
                return new PlayerGradients([ones(1, dtype: float64), null], [trainedValues[0] * 3, null]);
            },
        };
        var added = new DriftObjective(new DriftSettings { Rate = 0.5 }).Of(field);
        Assert.Equal(2, asked);
        Assert.All(added.Trained, Assert.Null);
        Assert.Equal(-0.75, added.Own[0]!.Values()[0], 1e-9);
        Assert.Null(added.Own[1]);
    }

    [Theory]
    [InlineData(true, -0.5)]
    [InlineData(false, 0.5)]
    public void A_gradient_that_is_on_one_side_alone_counts_with_its_side(bool ahead, double expected)
    {
        using var scope = NewDisposeScope();
        ParameterSet trained = Given.Set(Given.Weight(0)), own = Given.Set(Given.Weight(0));
        var field = new GradientField(trained, own, new PlayerGradients([null], [ones(1, dtype: float64)]))
        {
            Elsewhere = (_, values, _) => new PlayerGradients([values![0].item<double>() > 0 == ahead ? ones(1, dtype: float64) : null], [null]),
        };
        // 1 / (2 · 0.5), times half of a rate of 1.
        Assert.Equal(expected, new DriftObjective(new DriftSettings { Rate = 1, Reach = 0.5 }).Of(field).Trained[0]!.Values()[0], 1e-12);
    }

    [Fact]
    public void It_needs_two_players_plain_descent_and_the_step_again()
    {
        var part = new DescentPlugin().Parts.Single(static part => part.Id == "drift");
        Assert.Equal([Capabilities.Players, Capabilities.PlainDescent, Capabilities.Replay], part.Requires(part.ReadSettings("""{ "rate": 0.1 }""")));
        Assert.Equal(Capabilities.SecondDraw, part.Requires(part.ReadSettings("""{ "rate": 0.1, "independent": true }"""))[^1]);
        Assert.Equal("objective", part.Kind);
        var sgd = new DescentPlugin().Parts.Single(static part => part.Id == "sgd");
        Assert.Equal([Capabilities.PlainDescent], sgd.Provides(sgd.ReadSettings("{}")));
        Assert.Empty(sgd.Requires(sgd.ReadSettings("{}")));
    }

    private static bool Close((double, double) one, (double, double) other) => Close(one, other, 1e-14);

    private static bool Close((double, double) one, (double, double) other, double within) => Math.Abs(one.Item1 - other.Item1) <= within && Math.Abs(one.Item2 - other.Item2) <= within;
}
