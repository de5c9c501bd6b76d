using static TorchSharp.torch;

namespace LeapAlign.Contracts.Weights;

/// <summary>What a trained tensor is to the network. Optimizers treat roles differently: weight decay leaves out biases, norms and embeddings.</summary>
public enum ParameterRole
{
    /// <summary>The weight of a linear layer or a convolution.</summary>
    Matrix,

    /// <summary>A bias.</summary>
    Bias,

    /// <summary>The scale of a normalisation.</summary>
    Norm,

    /// <summary>A table of embeddings or positions.</summary>
    Embedding,

    /// <summary>A factor of an adapter.</summary>
    Adapter,
}

/// <summary>A trained tensor. It does not own the tensor.</summary>
/// <param name="name">Its name in checkpoints.</param>
/// <param name="role">What it is to the network.</param>
/// <param name="value">An fp32 leaf with gradients enabled.</param>
public sealed class Parameter(string name, ParameterRole role, Tensor value)
{
    /// <summary>Its name in checkpoints.</summary>
    public string Name => name;

    /// <summary>What it is to the network.</summary>
    public ParameterRole Role => role;

    /// <summary>The fp32 leaf that gradients are added up in.</summary>
    public Tensor Value => value;

    /// <summary>Whether weight decay applies: to matrices and to factors of adapters.</summary>
    public bool Decays => role is ParameterRole.Matrix or ParameterRole.Adapter;

    /// <summary>The role of a checkpoint's tensor, where nobody says it: by its name and shape, as diffusers and transformers name their layers.</summary>
    /// <param name="name">For instance <c>transformer_blocks.0.attn.norm_q.weight</c>.</param>
    /// <param name="shape">Its shape.</param>
    public static ParameterRole RoleOf(string name, IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        if (name.EndsWith("bias", StringComparison.Ordinal)) return ParameterRole.Bias;
        return shape.Count < 2 ? ParameterRole.Norm : ParameterRole.Matrix;
    }
}
