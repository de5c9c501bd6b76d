using static TorchSharp.torch;

namespace LeapAlign.Methods.Rewards;

/// <summary>The loss of a reward, of direct-gradient methods.</summary>
public static class RewardLoss
{
    /// <summary>
    /// <c>κ max(0, λ − r)</c> for each sample. A reward at the hinge contributes nothing, like those above it: the built-in guard against over-optimisation.
    /// </summary>
    /// <param name="rewards">r, [B].</param>
    /// <param name="settings">λ and κ.</param>
    /// <returns>[B].</returns>
    public static Tensor Hinge(Tensor rewards, RewardLossSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        // threshold(), not relu(), which libtorch does not have for the "meta" device.
        return nn.functional.threshold(settings.Hinge - rewards, 0, 0) * settings.LossScale;
    }
}
