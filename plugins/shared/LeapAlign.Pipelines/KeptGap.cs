using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Mmdit;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>A gap embedding as it is now, to compute the diagonal of a flow map with later whatever it has become.</summary>
public sealed class KeptGap : IDisposable
{
    private readonly GapEmbedding _gap;
    private readonly Policy _kept;

    /// <summary>Keeps it.</summary>
    public KeptGap(GapEmbedding gap)
    {
        ArgumentNullException.ThrowIfNull(gap);
        using var _ = no_grad();
        _gap = gap;
        _kept = new Policy("kept", [.. gap.Weights.Select(static weight => weight.Master.detach().clone().DetachFromDisposeScope())]);
    }

    /// <summary>The embedding of no gap, [B, width].</summary>
    /// <param name="latents">[B, C, h, w].</param>
    public Tensor? Diagonal(Tensor latents)
    {
        using var used = _gap.Use(_kept);
        return _gap.Forward(SampleTimes.Gaps([0], [0], latents));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _kept.Dispose();
        foreach (var value in _kept.Values) value.Dispose();
    }
}
