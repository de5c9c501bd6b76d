using LeapAlign.Host.Kernel.Pictures;

namespace LeapAlign.Host.Filtering;

/// <summary>A picture with a caption in a pose, and how badly the model predicts it.</summary>
/// <param name="Pose">How it is laid.</param>
/// <param name="Caption">The caption.</param>
/// <param name="Error">The lower, the more likely.</param>
internal sealed record FilterTrial(Pose Pose, string Caption, double Error);

/// <summary>What became of a row.</summary>
/// <param name="Best">The trial of the lowest error, the first of several.</param>
/// <param name="Kept">Whether it is kept.</param>
internal sealed record FilterVerdict(FilterTrial Best, bool Kept);

/// <summary>Which rows are kept, and how (DIRECT-3D, Liu and others, CVPR 2024): each in its best pose, where its error is below a threshold.</summary>
internal static class FilterChoice
{
    /// <summary>Judges rows.</summary>
    /// <param name="rows">The trials of each.</param>
    /// <param name="threshold">A row is kept below it.</param>
    /// <param name="atMost">The largest share that is kept, those of the lowest errors: a model confirms its prejudices where what it keeps grows fast.</param>
    public static IReadOnlyList<FilterVerdict> Of(IReadOnlyList<IReadOnlyList<FilterTrial>> rows, double threshold, double atMost = 1)
    {
        FilterTrial[] best = [.. rows.Select(static trials => trials.MinBy(static trial => trial.Error)!)];
        var kept = Enumerable.Range(0, best.Length).Where(row => best[row].Error < threshold).OrderBy(row => best[row].Error).ThenBy(static row => row)
            .Take((int)Math.Floor(atMost * best.Length)).ToHashSet();
        return [.. best.Select((trial, row) => new FilterVerdict(trial, kept.Contains(row)))];
    }

    /// <summary>A percentile, interpolated linearly between its neighbours in order.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="percent">0 to 100.</param>
    public static double Percentile(IEnumerable<double> values, double percent)
    {
        double[] sorted = [.. values.Order()];
        var at = percent / 100 * (sorted.Length - 1);
        var below = (int)Math.Floor(at);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((sorted[above] - sorted[below]) * (at - below));
    }
}
