using LeapAlign.Contracts.Optimizers;
using LeapAlign.Optimization.Bilevel;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>
/// The two problems of a run in one update: f is the run's loss under weights x without the constraint's part, <c>g = loss / budget − 1</c> that part, and F the loss under the weights of the rewards that judge,
/// on the second draw.
/// </summary>
/// <param name="settings">Constraint and budget.</param>
/// <param name="rewards">Which rewards judge, and which are learnt.</param>
/// <param name="context">The update.</param>
/// <param name="drift">Where training began; null projects onto the linear model of the budget.</param>
internal sealed class WeighedProblem(LvHbaSettings settings, LearntRewards rewards, UpdateContext context, Drift? drift) : IBilevelProblem
{
    /// <summary>f and g at y, which the step has evaluated anyway.</summary>
    public LowerAt OfOwn { get; } = At(settings, rewards, context.Parts ?? throw new InvalidOperationException("the update has no parts"));

    /// <summary>F at y, on the second draw.</summary>
    public StepGradient OfUpper { get; } = context.Weigh(rewards.Judges, draw: 1, objectives: false).Algorithm;

    /// <summary>Whether the step was taken back onto the budget.</summary>
    public bool Projected { get; private set; }

    public LowerAt Lower(Tensor upper, IReadOnlyList<Tensor> lower, LowerPlace who) => who switch
    {
        LowerPlace.Own => OfOwn,
        // The constraint does not depend on weights of rewards, so that its network need not be evaluated for derivatives in them.
        LowerPlace.Solved => At(settings, rewards, context.Weigh(rewards.Of(upper), lower, objectives: false)),
        _ => At(settings, rewards, context.Weigh(rewards.Of(upper), lower)),
    };

    public UpperAt Upper(Tensor upper, IReadOnlyList<Tensor> lower) => new(null, OfUpper.Gradients);

    public void Project(Tensor upper, IReadOnlyList<Tensor> lower, LowerAt before, IReadOnlyList<Tensor> moved)
    {
        rewards.Project(upper);
        if (before.Constraints is not [{ } constraint]) return;
        if (drift is not null)
        {
            Projected = drift.Project((constraint.Value + 1) * settings.Budget, settings.Budget, lower);
            return;
        }
        // Onto the nearest place of {g(y) + ⟨∇g(y), y⁺ − y⟩ ≤ 0}: where g is convex this never goes too far.
        var (beyond, slope) = (constraint.Value + constraint.ByLower.Dot(moved), constraint.ByLower.Dot(constraint.ByLower));
        if (!(beyond > 0) || !(slope > 0)) return;
        Projected = true;
        foreach (var (tensor, by) in lower.Zip(constraint.ByLower))
        {
            if (by is not null) tensor.sub_((by * (beyond / slope)).to(tensor.dtype));
        }
    }

    private static LowerAt At(LvHbaSettings settings, LearntRewards rewards, StepParts parts)
    {
        var slopes = tensor([.. rewards.Names.Select(name => parts.Slopes.GetValueOrDefault(name))], ScalarType.Float64);
        Tensor?[] loss = [.. parts.Algorithm.Gradients];
        foreach (var (name, part) in parts.Objectives)
        {
            if (name == settings.Constraint) continue;
            for (var place = 0; place < loss.Length; place++)
            {
                if (part.Gradients[place] is { } gradient) loss[place] = loss[place] is { } sum ? sum + gradient : gradient;
            }
        }
        if (settings.Constraint is null) return new LowerAt(slopes, loss, []);
        if (!parts.Objectives.TryGetValue(settings.Constraint, out var kept)) return new LowerAt(slopes, loss, [new ConstraintAt(0, null, new Tensor?[loss.Length])]);
        return new LowerAt(slopes, loss, [new ConstraintAt((kept.Loss / settings.Budget) - 1, null, [.. kept.Gradients.Select(gradient => gradient is null ? null : gradient / settings.Budget)])]);
    }
}
