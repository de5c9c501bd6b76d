using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>Cuts latents into patches, projects each and adds its place in the stored position table.</summary>
internal sealed class PatchEmbedding
{
    private readonly Weight _weight;
    private readonly Weight _bias;
    private readonly Weight _table;
    private readonly long _patch;
    private readonly long _tableSize;

    public PatchEmbedding(WeightScope scope, Sd3Config config)
    {
        _patch = config.PatchSize;
        _tableSize = config.PositionTableSize;
        var projection = scope / "proj";
        _weight = projection.Weight("weight", config.Width, config.InChannels, _patch, _patch);
        _bias = projection.Weight("bias", config.Width);
        _table = scope.Buffer("pos_embed", 1, _tableSize * _tableSize, config.Width);
    }

    /// <summary>The type of the network's arithmetic.</summary>
    public ScalarType ComputeType => _weight.ComputeType;

    /// <summary>[B, C, H, W] in the compute type to [B, H/p · W/p, width], row by row.</summary>
    /// <exception cref="ArgumentException">The latents are not a whole number of patches, or more than the table has places for.</exception>
    public Tensor Forward(Tensor latents)
    {
        using var scope = NewDisposeScope();
        var (batch, channels, rows, columns) = (latents.shape[0], latents.shape[1], latents.shape[2] / _patch, latents.shape[3] / _patch);
        if (rows * _patch != latents.shape[2] || columns * _patch != latents.shape[3])
            throw new ArgumentException($"latents of {latents.shape[2]} × {latents.shape[3]} are not a whole number of patches of {_patch}", nameof(latents));
        if (rows > _tableSize || columns > _tableSize)
            throw new ArgumentException($"{rows} × {columns} patches are more than the position table's {_tableSize} × {_tableSize}", nameof(latents));
        // Kernel and stride are equal, so the convolution is a matrix product over patches.
        var patches = latents.view(batch, channels, rows, _patch, columns, _patch).permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1);
        var projected = nn.functional.linear(patches, _weight.Value.flatten(1), _bias.Value);
        return (projected + Positions(rows, columns, latents.device)).to(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The centre of the table: smaller pictures look at the middle of what the largest would cover. The table is large and may lie elsewhere; what is taken of it comes to the latents.</summary>
    private Tensor Positions(long rows, long columns, Device device)
    {
        var (top, left) = ((_tableSize - rows) / 2, (_tableSize - columns) / 2);
        return _table.Master.view(_tableSize, _tableSize, -1).narrow(0, top, rows).narrow(1, left, columns).reshape(1, rows * columns, -1).to(device).to(ScalarType.Float32);
    }
}
