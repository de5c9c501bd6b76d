using System.Text.Json.Serialization;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>The state of the guard of a run.</summary>
/// <param name="Norms">The last gradient norms that were applied, oldest first.</param>
/// <param name="Skipped">Updates that were left out one after another until now.</param>
internal sealed record GuardState(IReadOnlyList<double> Norms, int Skipped)
{
    /// <summary>At the beginning of a run.</summary>
    public static GuardState Start { get; } = new([], 0);

    /// <summary>The median of the norms; there has to be one.</summary>
    [JsonIgnore]
    public double Median
    {
        get
        {
            double[] sorted = [.. Norms.Order()];
            var middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }
}
