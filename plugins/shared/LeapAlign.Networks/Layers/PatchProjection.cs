using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>
/// The patch embedding of a vision transformer: a convolution whose kernel is its stride, which is a matrix product over patches. The weight lies in the file as that of
/// the convolution, [width, channels, p, p].
/// </summary>
public sealed class PatchProjection
{
    private readonly Weight _weight;
    private readonly Weight? _bias;
    private readonly long _imageSize;
    private readonly long _patchSize;

    /// <summary>Declares <c>weight</c> and, with <paramref name="bias"/>, <c>bias</c>.</summary>
    /// <param name="scope">The layer's scope.</param>
    /// <param name="width">Width of a token.</param>
    /// <param name="channels">Channels of the picture.</param>
    /// <param name="imageSize">Side of the square picture, in pixels.</param>
    /// <param name="patchSize">Side of a patch, in pixels.</param>
    /// <param name="bias">Whether it has a bias.</param>
    public PatchProjection(WeightScope scope, long width, long channels, long imageSize, long patchSize, bool bias)
    {
        (_imageSize, _patchSize) = (imageSize, patchSize);
        _weight = scope.Weight("weight", width, channels, patchSize, patchSize);
        _bias = bias ? scope.Weight("bias", width) : null;
    }

    /// <summary>Embeds the patches of pictures.</summary>
    /// <param name="pixels">[B, channels, S, S] with S the image size, any floating-point type.</param>
    /// <returns>[B, patches, width], row by row, in the compute type.</returns>
    /// <exception cref="ArgumentException">The pictures have another size.</exception>
    public Tensor Forward(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var scope = NewDisposeScope();
        var weight = _weight.Value;
        return nn.functional.linear(Cut(pixels.to(weight.dtype)), weight.flatten(1), _bias?.Value).MoveToOuterDisposeScope();
    }

    // [B, C, S, S] to [B, patches, C · p · p].
    private Tensor Cut(Tensor pixels)
    {
        var (batch, channels, height, width) = (pixels.shape[0], pixels.shape[1], pixels.shape[2], pixels.shape[3]);
        if (height != _imageSize || width != _imageSize)
            throw new ArgumentException($"images of {width} x {height} pixels for a model that takes {_imageSize} x {_imageSize}", nameof(pixels));
        var side = _imageSize / _patchSize;
        // Pixels beyond the last whole patch are left out, as a convolution leaves them.
        var whole = pixels.narrow(2, 0, side * _patchSize).narrow(3, 0, side * _patchSize);
        return whole.reshape(batch, channels, side, _patchSize, side, _patchSize).permute(0, 2, 4, 1, 3, 5).reshape(batch, side * side, -1);
    }
}
