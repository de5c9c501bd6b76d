using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Drafts;

/// <summary>Latents as tokens: squares of neighbouring places with all their channels, as the network cuts them.</summary>
internal static class LatentTokens
{
    /// <summary>The tokens of latents.</summary>
    /// <param name="latents">[B, C, h, w]; of any shape [B, ...] where the whole sample is one token.</param>
    /// <param name="side">The side of a token; 0 for the whole sample.</param>
    /// <returns>[B, tokens, dimensions].</returns>
    /// <exception cref="FaultException">The latents are not squares of that side.</exception>
    public static Tensor Of(Tensor latents, int side)
    {
        var shape = latents.shape;
        if (side == 0) return latents.reshape(shape[0], 1, -1);
        if (shape.Length != 4 || shape[2] % side != 0 || shape[3] % side != 0)
            throw new FaultException(new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'draft-tvd' cannot cut latents of [{string.Join(", ", shape[1..])}] into tokens with a side of {side}: take a token that divides both sides of [C, h, w], or 0 for the whole sample"));
        return latents.reshape(shape[0], shape[1], shape[2] / side, side, shape[3] / side, side).permute(0, 2, 4, 1, 3, 5).reshape(shape[0], shape[2] / side * (shape[3] / side), -1);
    }
}
