using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary><c>linear_2(SiLU(linear_1(x)))</c>: what times and pooled text features pass through before they are added.</summary>
public sealed class EmbeddingPerceptron
{
    private readonly Linear _first;
    private readonly Linear _second;

    /// <summary>Declares <c>linear_1</c> and <c>linear_2</c>.</summary>
    public EmbeddingPerceptron(WeightScope scope, long inputs, long width)
    {
        _first = new Linear(scope / "linear_1", inputs, width, role: SiteRole.Embedding);
        _second = new Linear(scope / "linear_2", width, width, role: SiteRole.Embedding);
    }

    /// <summary>[B, inputs] to [B, width].</summary>
    public Tensor Forward(Tensor input) => _second.Forward(Activation.Silu(_first.Forward(input)));
}
