using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Optimization.Games;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Descent;

/// <summary>
/// Discretisation drift of two players that descend at once (Rosca 2022, arXiv 2310.14036; Rosca, Wu, Dherin and Barrett 2021, arXiv 2105.13922): gradient descent with a step of finite length follows the flow of losses
/// that have further terms, of which the interaction of the players makes games unstable. It is taken off: <c>−(α/2) ⟨∇_θ L₁, sg ∇_θ L₂⟩</c> for what is trained, and <c>−(λ/2) ⟨∇_φ L₂, sg ∇_φ L₁⟩</c> for the algorithm's own parameters.
/// </summary>
/// <remarks>
/// The gradient of such a term is a derivative of the player's own gradient in the other's parameters, along the other's gradient: a difference of two gradients, since second derivatives of recomputed blocks and fused attention are not
/// there. What a player does not descend (a stopped gradient) needs not be known for it.
/// </remarks>
/// <param name="settings">Rates, terms and reach.</param>
public sealed class DriftObjective(DriftSettings settings) : IGradientObjective
{
    /// <inheritdoc/>
    public PlayerGradients Of(GradientField field)
    {
        ArgumentNullException.ThrowIfNull(field);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var along = settings.Independent ? field.At(null, null, draw: 1) : field.Here;
        var rates = DriftCoefficients.Simultaneous(settings.Rate, settings.OwnRate ?? settings.Rate);
        var (trained, own) = (new Tensor?[field.Trained.Count], new Tensor?[field.Own.Count]);
        if (Slopes(field.Own, along.Own, values => field.At(null, values)) is { } byOwn)
        {
            Add(trained, byOwn.Trained, -rates.FirstInteraction);
            if (settings.Cancel == DriftTerms.All) Add(own, byOwn.Own, -rates.SecondSelf);
        }
        if (Slopes(field.Trained, along.Trained, values => field.At(values, null)) is { } byTrained)
        {
            Add(own, byTrained.Own, -rates.SecondInteraction);
            if (settings.Cancel == DriftTerms.All) Add(trained, byTrained.Trained, -rates.FirstSelf);
        }
        field.Measure("length", trained.Length());
        field.Measure("own_length", own.Length());
        foreach (var tensor in trained.Concat(own)) tensor?.MoveToOuterDisposeScope();
        return new PlayerGradients(trained, own);
    }

    // The derivatives of both players' gradients in the weights of one of them, along a direction; null where there is none.
    private PlayerGradients? Slopes(ParameterSet moved, IReadOnlyList<Tensor?> direction, Func<IReadOnlyList<Tensor>, PlayerGradients> at)
    {
        var length = direction.Length();
        if (length == 0) return null;
        var reach = settings.Reach * Math.Max(1, moved.Select(static parameter => parameter.Value).Length()) / length;
        var (ahead, behind) = (At(reach), At(-reach));
        return new PlayerGradients(Slope(ahead.Trained, behind.Trained), Slope(ahead.Own, behind.Own));

        PlayerGradients At(double by) => at([.. moved.Zip(direction, (parameter, part) => part is null ? parameter.Value.detach() : parameter.Value.detach() + (part * by))]);

        IReadOnlyList<Tensor?> Slope(IReadOnlyList<Tensor?> ahead, IReadOnlyList<Tensor?> behind) => [.. ahead.Zip(behind, (one, other) => (one, other) switch
        {
            (null, _) => other?.div(-2 * reach),
            (_, null) => one.div(2 * reach),
            _ => (one - other).div(2 * reach),
        })];
    }

    private static void Add(Tensor?[] sums, IReadOnlyList<Tensor?> terms, double by)
    {
        for (var place = 0; place < sums.Length; place++)
        {
            if (terms[place] is not { } term) continue;
            sums[place] = sums[place] is { } sum ? sum + (term * by) : term * by;
        }
    }
}
