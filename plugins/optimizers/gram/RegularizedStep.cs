using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>
/// Steps <c>δ = −(H + λ I)⁻¹ g</c> with <c>H = Mᵀ M</c>, for one λ after another: <c>δ = −(g − Mᵀ U (λ I + Λ)⁻¹ Uᵀ M g) / λ</c> with <c>M Mᵀ = U Λ Uᵀ</c>, which is
/// decomposed once.
/// </summary>
internal sealed class RegularizedStep
{
    private readonly ParameterSet _parameters;
    private readonly IReadOnlyList<Tensor?> _gradient;
    private readonly (GradientMatrix Rows, Tensor Values, Tensor Vectors, Tensor Projected)? _curvature;

    /// <summary>Steps along the gradient, where there is no curvature.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="gradient">g, one for each parameter; null is zero.</param>
    public RegularizedStep(ParameterSet parameters, IReadOnlyList<Tensor?> gradient) => (_parameters, _gradient) = (parameters, gradient);

    /// <summary>Steps with a curvature.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="gradient">g, one for each parameter; null is zero.</param>
    /// <param name="rows">M.</param>
    /// <param name="count">How many.</param>
    public RegularizedStep(ParameterSet parameters, IReadOnlyList<Tensor?> gradient, GradientMatrix rows, int count)
        : this(parameters, gradient)
    {
        var (values, vectors) = linalg.eigh(rows.Gram(count));
        _curvature = (rows, values.clamp_min(0), vectors, vectors.t().matmul(rows.Times(count, gradient)));
    }

    /// <summary>The step for a λ, in the scope of the caller: one for each parameter.</summary>
    public IReadOnlyList<Tensor> Of(double lambda)
    {
        using var scope = NewDisposeScope();
        var explained = _curvature is (var rows, var values, var vectors, var projected) ? rows.Combined(vectors.matmul(projected / (values + lambda))) : null;
        return [.. _parameters.Select((parameter, place) => Of(parameter, place, explained, lambda).MoveToOuterDisposeScope())];
    }

    private Tensor Of(Parameter parameter, int place, IReadOnlyList<Tensor>? explained, double lambda)
    {
        var gradient = _gradient[place]?.detach() ?? zeros_like(parameter.Value).detach();
        return (explained is null ? gradient : gradient - explained[place]) / -lambda;
    }
}
