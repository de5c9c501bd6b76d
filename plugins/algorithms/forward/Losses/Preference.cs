using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Losses;

/// <summary>Preferences between two samples by how much better than the reference the policy matches each (Diffusion-DPO, arXiv 2311.12908).</summary>
internal static class Preference
{
    /// <summary><c>−½ β [(e_w − e_w^ref) − (e_l − e_l^ref)]</c>, whose sigmoid is how likely the policy finds the preference, [P].</summary>
    /// <param name="errors">e of the policy, [2P]: the preferred ones, then the rejected ones.</param>
    /// <param name="reference">The same of the reference.</param>
    /// <param name="beta">β.</param>
    public static Tensor Logit(Tensor errors, Tensor reference, double beta)
    {
        var gains = (errors - reference).chunk(2, 0);
        return (gains[0] - gains[1]) * (-0.5 * beta);
    }
}
