using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Descent.Tests;

/// <summary>Two players, each with a loss of both sets of weights, in double.</summary>
/// <param name="first">L₁ of φ, θ and the draw.</param>
/// <param name="second">L₂ of φ, θ and the draw.</param>
internal sealed class Game(Func<Tensor, Tensor, int, Tensor> first, Func<Tensor, Tensor, int, Tensor> second)
{
    public Game(Func<Tensor, Tensor, Tensor> first, Func<Tensor, Tensor, Tensor> second)
        : this((phi, theta, _) => first(phi, theta), (phi, theta, _) => second(phi, theta))
    {
    }

    /// <summary>How often gradients were asked for elsewhere, and of which draw.</summary>
    public List<int> Asked { get; } = [];

    /// <summary>What the objective measured last.</summary>
    public Dictionary<string, double> Measured { get; } = [];

    /// <summary>∇_φ L₁ and ∇_θ L₂ at other weights.</summary>
    public PlayerGradients At(Tensor phi, Tensor theta, int draw)
    {
        using var _ = enable_grad();
        var (one, other) = (phi.detach().clone().requires_grad_(), theta.detach().clone().requires_grad_());
        return new PlayerGradients([Given.Derivative(first(one, other, draw), one)], [Given.Derivative(second(one, other, draw), other)]);
    }

    /// <summary>The field at weights as they are.</summary>
    public GradientField Field(ParameterSet phi, ParameterSet theta) => new(phi, theta, At(phi[0].Value, theta[0].Value, 0))
    {
        Elsewhere = (trained, own, draw) =>
        {
            Asked.Add(draw);
            return At(trained?[0] ?? phi[0].Value, own?[0] ?? theta[0].Value, draw);
        },
        Measured = (name, value) => Measured[name] = value,
    };

    /// <summary>Steps of both players at once, with what an objective adds times a weight; null for none.</summary>
    public void Descend((Tensor Phi, Tensor Theta) at, double rate, int steps, DriftObjective? objective, double weight = 1)
    {
        var (phi, theta) = (Given.Set(at.Phi), Given.Set(at.Theta));
        using var first = new SgdOptimizer(new SgdSettings { Rate = rate }).Begin(phi);
        using var second = new SgdOptimizer(new SgdSettings { Rate = 99 }).Begin(theta, rate);
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            var field = Field(phi, theta);
            var added = objective?.Of(field);
            at.Phi.grad = Sum(field.Here.Trained[0]!, added?.Trained[0], weight);
            at.Theta.grad = Sum(field.Here.Own[0]!, added?.Own[0], weight);
            first.Update(new(step));
            second.Update(new(step));
        }
    }

    private static Tensor Sum(Tensor gradient, Tensor? added, double weight) => added is null ? gradient : gradient + (added * weight);
}
