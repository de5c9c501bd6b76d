using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>
/// The times that samples are trained at. A sample's are functions of its own key, and which samples are on the diagonal of their numbers, so that neither depends on how a step is cut.
/// </summary>
/// <param name="settings">Shares and shift.</param>
internal sealed class JumpTimes(FlowMapSettings settings)
{
    /// <summary>The places of a micro-batch's samples on the diagonal, or off it: of the first n samples of a step, the whole part of n times the share is on it, and at least one of a step of one sample.</summary>
    public int[] Places(MicroBatch batch, int all, bool onDiagonal) =>
        [.. Enumerable.Range(0, batch.Samples.Count).Where(place => IsOnDiagonal(batch.Samples[place], all) == onDiagonal)];

    /// <summary>The times of each sample: uniform on the diagonal; off it a jump from the noisier of two uniform times to the other, and where it is divided.</summary>
    public (double From, double To, double Share)[] Of(MicroBatch batch, int all) =>
    [
        .. batch.Samples.Select(sample =>
        {
            var key = batch.StepKey.For("sample", sample).For("algorithm").For("jump").Open();
            var (one, other, share) = (Shifted(key.NextDouble()), Shifted(key.NextDouble()), key.NextDouble());
            // The larger of two would leave the clean end of the diagonal out.
            return IsOnDiagonal(sample, all) ? (one, one, share) : (Math.Max(one, other), Math.Min(one, other), share);
        }),
    ];

    private bool IsOnDiagonal(long sample, int all)
    {
        // Against products such as 100 · 0.29 = 28.999…
        const double rounding = 1e-9;
        if (all == 1 && settings.Diagonal > 0) return true;
        return Math.Floor(((sample + 1) * settings.Diagonal) + rounding) > Math.Floor((sample * settings.Diagonal) + rounding);
    }

    private double Shifted(double level) => settings.Shift * level / (1 + ((settings.Shift - 1) * level));
}
