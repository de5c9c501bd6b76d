using static TorchSharp.torch;

namespace LeapAlign.Optimization.Bilevel;

/// <summary>
/// LV-HBA (Yao, Yu, Zeng and Zhang 2024, arXiv 2401.16164): constrained bilevel problems without second derivatives. The lower problem is replaced by its value function,
/// <c>v(x,y,z) = min_θ max_λ f(x,θ) + λᵀg(x,θ) + ‖θ−y‖²/(2γ1) − ‖λ−z‖²/(2γ2)</c>, of which one step of descent in θ and ascent in λ is made for each of x and y, along <c>F/c + f − v</c>.
/// </summary>
/// <param name="form">Its numbers.</param>
/// <param name="upper">x, [n], fp64, which it changes.</param>
/// <param name="lower">y, which it changes.</param>
/// <param name="constraints">How many constraints there are.</param>
public sealed class ValueFunctionDescent(BilevelForm form, Tensor upper, IReadOnlyList<Tensor> lower, int constraints) : IDisposable
{
    /// <summary>x.</summary>
    public Tensor Upper => upper;

    /// <summary>y.</summary>
    public IReadOnlyList<Tensor> Lower => lower;

    /// <summary>θ, beside y.</summary>
    public IReadOnlyList<Tensor> Solver { get; } = [.. lower.Select(static tensor => tensor.detach().clone().DetachFromDisposeScope())];

    /// <summary>λ.</summary>
    public double[] Multipliers { get; } = new double[constraints];

    /// <summary>z.</summary>
    public double[] Centres { get; } = new double[constraints];

    /// <summary>k, steps done.</summary>
    public int Steps { get; set; }

    /// <summary>c of the next step.</summary>
    public double Penalty => form.Penalty * Math.Pow(Steps + 1, form.PenaltyPower);

    /// <summary>Divides the gradient that θ (<see cref="LowerPlace.Solver"/>) or y steps along, for the tensor of that number, by the metric that steps are measured in; as it is without one.</summary>
    public Func<LowerPlace, int, Tensor, Tensor> Metric { get; init; } = static (_, _, gradient) => gradient;

    /// <summary>Makes a step.</summary>
    /// <param name="problem">f, g, F and the projection.</param>
    /// <returns>f and g at y, where it began.</returns>
    public LowerAt Step(IBilevelProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        using var _ = no_grad();
        SolverStep(problem.Lower(upper, Solver, LowerPlace.Solver));
        var solved = problem.Lower(upper, Solver, LowerPlace.Solved);
        var own = problem.Lower(upper, lower, LowerPlace.Own);
        var goal = problem.Upper(upper, lower);
        var c = Penalty;
        var byUpper = zeros_like(upper);
        if (goal.ByUpper is { } wanted) byUpper.add_(wanted / c);
        if (own.ByUpper is { } here) byUpper.add_(here);
        if (solved.ByUpper is { } there) byUpper.sub_(there);
        for (var i = 0; i < constraints; i++)
        {
            if (solved.Constraints[i].ByUpper is { } bound) byUpper.sub_(bound * Multipliers[i]);
        }
        upper.sub_(byUpper * form.UpperRate);
        Tensor[] moved = [.. lower.Select((tensor, place) => Towards((LowerPlace.Own, place), Sum((goal.ByLower[place], 1 / c), (own.ByLower[place], 1)), (tensor - Solver[place]) / -form.Proximity) * -form.Rate)];
        foreach (var (tensor, by) in lower.Zip(moved)) tensor.add_(by);
        problem.Project(upper, lower, own, moved);
        for (var i = 0; i < constraints; i++) Centres[i] = Clamped(Centres[i] + (form.CentreRate * (Multipliers[i] - Centres[i]) / form.MultiplierProximity));
        Steps++;
        return own;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Solver) tensor.Dispose();
    }

    // Both from the old values: θ descends, λ ascends.
    private void SolverStep(LowerAt at)
    {
        for (var place = 0; place < Solver.Count; place++)
        {
            var tensor = Solver[place];
            (Tensor?, double)[] parts = [(at.ByLower[place], 1), .. at.Constraints.Select((constraint, i) => (constraint.ByLower[place], Multipliers[i]))];
            tensor.sub_(Towards((LowerPlace.Solver, place), Sum(parts), (tensor - lower[place]) / form.Proximity) * form.LowerRate);
        }
        for (var i = 0; i < constraints; i++)
            Multipliers[i] = Clamped(Multipliers[i] + (form.MultiplierRate * (at.Constraints[i].Value - ((Multipliers[i] - Centres[i]) / form.MultiplierProximity))));
    }

    private double Clamped(double multiplier) => Math.Clamp(multiplier, form.Equalities ? -form.Bound : 0, form.Bound);

    private Tensor Towards((LowerPlace Who, int Place) of, Tensor? gradient, Tensor proximity) => gradient is null ? proximity : proximity + Metric(of.Who, of.Place, gradient).to(proximity.dtype);

    private static Tensor? Sum(params ReadOnlySpan<(Tensor? Part, double Factor)> parts)
    {
        Tensor? sum = null;
        foreach (var (part, factor) in parts)
        {
            if (part is null) continue;
            sum = sum is null ? part * factor : sum + (part * factor);
        }
        return sum;
    }
}
