using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>
/// LV-HBA (Yao, Yu, Zeng and Zhang 2024, arXiv 2401.16164) for weights of rewards: the upper variables are the weights of trained rewards on a simplex, the upper objective is minus the score of other rewards on a second
/// draw, the lower problem is the run's own loss under these weights, and the constraint is the budget of an objective. No Hessian and no inner loop.
/// </summary>
/// <param name="settings">Rates, budget and which rewards judge.</param>
/// <param name="name">Its name in the run.</param>
public sealed class LvHbaOptimizer(LvHbaSettings settings, string name = "lv-hba") : IOptimizer
{
    /// <inheritdoc/>
    /// <remarks>The lower loss at the solver's weights before and after its step, and the upper score.</remarks>
    public StepPasses Passes(ParameterSet parameters) => new(4);

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new LvHbaOptimization(rate is { } given ? settings with { Rate = given } : settings, name, parameters);
    }
}
