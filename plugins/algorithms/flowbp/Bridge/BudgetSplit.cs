namespace LeapAlign.Algorithms.FlowBp.Bridge;

/// <summary>How the active steps are shared out between the steps before j and those from j on: by their numbers, but each segment gets at least one.</summary>
/// <param name="Before">Active steps before j.</param>
/// <param name="From">Active steps from j on, j included.</param>
internal readonly record struct BudgetSplit(int Before, int From)
{
    /// <summary>Splits.</summary>
    /// <param name="budget">K ≥ 2; what the segments cannot hold is dropped.</param>
    /// <param name="before">Steps before j, at least one.</param>
    /// <param name="from">Steps from j on, at least one.</param>
    public static BudgetSplit Of(int budget, int before, int from)
    {
        var total = Math.Min(budget, before + from);
        var share = Math.Clamp((int)Math.Round((double)(total * before) / (before + from), MidpointRounding.ToEven), 1, before);
        var rest = total - share;
        if (rest < 1) return new(total - 1, 1);
        return rest > from ? new(total - from, from) : new(share, rest);
    }
}
