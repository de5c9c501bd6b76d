using static TorchSharp.torch;

namespace LeapAlign.Networks.Images;

/// <summary>
/// Antialiased resizing with half-pixel centres, as torchvision and the Python Imaging Library do it, without their rounding to 8 bits. It is a fixed linear
/// map along each axis, so it is two matrix products, and the gradient is their transpose.
/// </summary>
public static class Resize
{
    private const double Levels = 255;
    private const double Unit = 1 << 22;

    /// <summary>Resizes pictures. Overshoot of the bicubic kernel is not clamped.</summary>
    /// <param name="images">[B, C, H, W], floating point.</param>
    /// <param name="height">The new H, in pixels.</param>
    /// <param name="width">The new W, in pixels.</param>
    /// <param name="filter">How pixels are weighed.</param>
    /// <returns>[B, C, height, width], of the same type.</returns>
    public static Tensor Apply(Tensor images, long height, long width, ResizeFilter filter)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        using var scope = NewDisposeScope();
        var horizontal = images.matmul(Weights((int)images.shape[3], (int)width, filter, images).t());
        return Weights((int)images.shape[2], (int)height, filter, images).matmul(horizontal).MoveToOuterDisposeScope();
    }

    /// <summary>Resizes pictures as the Python Imaging Library does files: pixels are whole numbers from 0 to 255 before, between and after the two axes. No gradient.</summary>
    /// <param name="images">[B, C, H, W] in [0, 1]; what is between two of the 256 levels goes to the nearer.</param>
    /// <param name="height">The new H, in pixels.</param>
    /// <param name="width">The new W, in pixels.</param>
    /// <param name="filter">How pixels are weighed.</param>
    /// <returns>[B, C, height, width] in [0, 1], of the same type.</returns>
    public static Tensor InBytes(Tensor images, long height, long width, ResizeFilter filter)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // Whole numbers below 2⁵³ are exact in fp64, sums and products too.
        var levels = images.to(ScalarType.Float64).mul(Levels).round().clamp(0, Levels);
        if (width != images.shape[3]) levels = Rounded(levels.matmul(WholeWeights((int)images.shape[3], (int)width, filter, levels).t()));
        if (height != images.shape[2]) levels = Rounded(WholeWeights((int)images.shape[2], (int)height, filter, levels).matmul(levels));
        return levels.div(Levels).to(images.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Rounded(Tensor sums) => sums.div(Unit).add(0.5).floor().clamp(0, Levels);

    /// <summary>The weights as that library has them: multiples of 2⁻²², here times 2²².</summary>
    private static Tensor WholeWeights(int input, int output, ResizeFilter filter, Tensor like)
    {
        var rows = Weights(input, output, filter);
        for (var row = 0; row < output; row++)
        {
            for (var pixel = 0; pixel < input; pixel++) rows[row, pixel] = Math.Round(rows[row, pixel] * Unit, MidpointRounding.AwayFromZero);
        }
        return tensor(rows, dtype: like.dtype, device: like.device);
    }

    private static Tensor Weights(int input, int output, ResizeFilter filter, Tensor like) => tensor(Weights(input, output, filter), dtype: like.dtype, device: like.device);

    /// <summary>[out, in]: each row weighs the input pixels that make one output pixel, and sums to 1.</summary>
    private static double[,] Weights(int input, int output, ResizeFilter filter)
    {
        var (kernel, reach) = filter == ResizeFilter.Bicubic ? ((Func<double, double>)Cubic, 2.0) : (Linear, 1.0);
        var step = (double)input / output;
        // Enlarging interpolates; shrinking widens the kernel so that every input pixel counts.
        var spread = Math.Max(step, 1);
        var rows = new double[output, input];
        for (var row = 0; row < output; row++)
        {
            var centre = step * (row + 0.5);
            var low = Math.Max(0, (int)(centre - (reach * spread) + 0.5));
            var high = Math.Min(input, (int)(centre + (reach * spread) + 0.5));
            var sum = 0.0;
            for (var pixel = low; pixel < high; pixel++) sum += rows[row, pixel] = kernel((pixel - centre + 0.5) / spread);
            for (var pixel = low; pixel < high; pixel++) rows[row, pixel] /= sum;
        }
        return rows;
    }

    /// <summary>The cubic convolution kernel with a = −1/2; a resize without antialiasing uses −3/4, which is another picture.</summary>
    private static double Cubic(double offset)
    {
        const double a = -0.5;
        var u = Math.Abs(offset);
        return u switch
        {
            < 1 => (((((a + 2) * u) - (a + 3)) * u) * u) + 1,
            < 2 => (((((a * u) - (5 * a)) * u) + (8 * a)) * u) - (4 * a),
            _ => 0,
        };
    }

    private static double Linear(double offset) => Math.Max(0, 1 - Math.Abs(offset));
}

/// <summary>How input pixels are weighed when resizing.</summary>
public enum ResizeFilter
{
    /// <summary>A triangle, one pixel to each side.</summary>
    Bilinear,

    /// <summary>Cubic convolution, two pixels to each side.</summary>
    Bicubic,
}
