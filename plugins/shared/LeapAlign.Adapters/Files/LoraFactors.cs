using static TorchSharp.torch;

namespace LeapAlign.Adapters.Files;

/// <summary>The low-rank update of one layer: <c>W + alpha/rank · B A</c> (Hu et al. 2021, arXiv:2106.09685, §4.1). It owns its tensors.</summary>
public sealed class LoraFactors : IDisposable
{
    /// <summary>Takes two tensors over.</summary>
    /// <param name="a">[rank, in], on any device.</param>
    /// <param name="b">[out, rank].</param>
    /// <param name="alpha">The numerator of the scale.</param>
    public LoraFactors(Tensor a, Tensor b, double alpha)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.dim() != 2 || b.dim() != 2 || a.shape[0] != b.shape[1])
            throw new ArgumentException($"A [{string.Join(", ", a.shape)}] and B [{string.Join(", ", b.shape)}] have no rank in common", nameof(b));
        (A, B, Alpha) = (a.DetachFromDisposeScope(), b.DetachFromDisposeScope(), alpha);
    }

    /// <summary>The way to the narrow side, [rank, in].</summary>
    public Tensor A { get; }

    /// <summary>The way back, [out, rank].</summary>
    public Tensor B { get; }

    /// <summary>The numerator of the scale.</summary>
    public double Alpha { get; }

    /// <summary>How wide the narrow side is.</summary>
    public int Rank => (int)A.shape[0];

    /// <summary>What the product is multiplied by: alpha over rank.</summary>
    public double Scale => Alpha / Rank;

    /// <summary>What is added to the layer's weight, [out, in]: scale · B A, in fp64, in the dispose scope of the caller.</summary>
    public Tensor Update()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return (B.to(ScalarType.Float64).matmul(A.to(ScalarType.Float64)) * Scale).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}

/// <summary>The factors of every adapted layer, by its name, in the order of the model's layers. It owns them.</summary>
public sealed class LoraWeights : IDisposable
{
    private readonly Dictionary<string, LoraFactors> _modules = [];

    /// <summary>The factors by layer.</summary>
    public IReadOnlyDictionary<string, LoraFactors> Modules => _modules;

    /// <summary>Takes the factors of a layer over.</summary>
    /// <exception cref="ArgumentException">The layer has some already.</exception>
    public void Add(string module, LoraFactors factors)
    {
        ArgumentNullException.ThrowIfNull(factors);
        _modules.Add(module, factors);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var factors in _modules.Values) factors.Dispose();
    }
}
