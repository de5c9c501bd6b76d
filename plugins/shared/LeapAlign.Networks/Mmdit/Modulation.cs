using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>
/// Adaptive layer normalisation: shifts, scales and gates of a block, projected from the conditioning vector (declared as <c>linear</c>).
/// </summary>
public sealed class Modulation
{
    private static readonly TorchSharp.Scalar One = 1;
    private readonly Linear _linear;
    private readonly int _parts;

    /// <summary>Declares <c>linear</c>, width → parts × width.</summary>
    public Modulation(WeightScope scope, long width, int parts)
    {
        _linear = new Linear(scope / "linear", width, parts * width, role: SiteRole.Modulation);
        _parts = parts;
    }

    /// <summary>Projects.</summary>
    /// <param name="conditioning">[B, width], SiLU applied already: all blocks share it.</param>
    /// <returns>The parts in the order of the weights, each [B, 1, width].</returns>
    public Tensor[] Forward(Tensor conditioning) => _linear.Forward(conditioning).unsqueeze(1).chunk(_parts, -1);

    /// <summary><c>x·(1 + scale) + shift</c> for a normalised <c>x</c> [B, T, width].</summary>
    public static Tensor Modulate(Tensor normalised, Tensor shift, Tensor scale) => addcmul(shift, normalised, scale.add(One), One);

    /// <summary><c>x + gate·update</c>, all [B, T, width] but the gate [B, 1, width].</summary>
    public static Tensor Gate(Tensor input, Tensor gate, Tensor update) => addcmul(input, update, gate, One);
}
