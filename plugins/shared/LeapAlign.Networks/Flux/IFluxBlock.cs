using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>
/// One block of the network. What it computes depends on its weights and on these arguments alone, and nothing is drawn inside, so that a block can be computed
/// anew in the backward pass, or on another device than its neighbours.
/// </summary>
internal interface IFluxBlock
{
    /// <summary>Runs the block.</summary>
    /// <param name="image">[B, L, width].</param>
    /// <param name="context">[B, T, width].</param>
    /// <param name="conditioning">[B, width], SiLU applied.</param>
    /// <param name="positions">Of all tokens, the context's first.</param>
    /// <returns>Both streams, in the same shapes.</returns>
    (Tensor Image, Tensor Context) Forward(Tensor image, Tensor context, Tensor conditioning, RotaryPositions positions);
}
