using LeapAlign.Algorithms.Forward.Losses;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Crd;

/// <summary>
/// What is subtracted from rewards: implicit rewards are known up to a constant of the prompt, which any weighted mean removes.
/// </summary>
internal static class RewardCentering
{
    /// <summary>The matrices of means to centre by; the loss is the mean over them.</summary>
    /// <param name="settings">Which.</param>
    /// <param name="optimality">r of each sample, in [0, 1].</param>
    /// <param name="groups">Samples with the same number are a group.</param>
    /// <param name="device">Where they go.</param>
    /// <returns>[B, B] each: row k holds the weights of k's mean.</returns>
    public static IReadOnlyList<Tensor> Of(CrdSettings settings, double[] optimality, IReadOnlyList<int> groups, Device device) => settings.Centering switch
    {
        Centering.Uniform => [GroupMeans.Rows(Equal(optimality, static _ => true), device)],
        Centering.Group => [GroupMeans.Rows(groups, device)],
        _ => [GroupMeans.Rows(Towards(optimality, 1, settings.Temperature), device), GroupMeans.Rows(Towards(optimality, -1, settings.Temperature), device)],
    };

    private static double[] Towards(double[] optimality, int direction, double temperature)
    {
        if (temperature == 0)
        {
            // r runs from 0 to 1: an advantage's sign is on which side of ½ it lies.
            var pool = Equal(optimality, r => direction * (r - 0.5) > 0);
            return pool.Sum() > 0 ? pool : Equal(optimality, static _ => true);
        }
        var largest = optimality.Max(r => direction * r);
        double[] weights = [.. optimality.Select(r => Math.Exp(((direction * r) - largest) / temperature))];
        var sum = weights.Sum();
        return Array.ConvertAll(weights, weight => weight / sum);
    }

    private static double[] Equal(double[] optimality, Func<double, bool> taken)
    {
        var count = optimality.Count(taken);
        return Array.ConvertAll(optimality, r => taken(r) ? 1.0 / count : 0);
    }
}
