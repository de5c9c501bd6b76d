using LeapAlign.Contracts.Estimators;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>
/// A smooth measure of what JPEG has to code of pictures: <c>Σ log₂(1 + v²)</c> over the quantised coefficients before their rounding, with the tables, the colours and the halved chroma of the baseline encoder. A
/// coefficient that rounds to 0 counts little, one of n bits about 2 n: code and value. Of the first coefficient of a block the difference from the block before counts, as it is coded.
/// </summary>
/// <param name="quality">1 to 100.</param>
internal sealed class CodedSize(int quality)
{
    private const int Side = 8;

    // ITU-T T.81 (1992), tables K.1 and K.2.
    private static readonly double[] s_luminance =
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static readonly double[] s_chrominance =
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ];

    /// <summary>The measure, with gradient.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <returns>[B], fp32, at least 0.</returns>
    public Tensor Of(Tensor images)
    {
        using var scope = NewDisposeScope();
        var levels = HardUnits.EightBit(images.to(ScalarType.Float32)) * 255;
        // Edges are repeated up to whole blocks of halved chroma.
        var (below, right) = (Missing(levels.shape[2]), Missing(levels.shape[3]));
        levels = nn.functional.pad(levels, [0, right, 0, below], mode: TorchSharp.PaddingModes.Replicate);
        var (red, green, blue) = (levels.narrow(1, 0, 1), levels.narrow(1, 1, 1), levels.narrow(1, 2, 1));
        var luminance = (red * 0.299) + (green * 0.587) + (blue * 0.114) - 128;
        var chrominance = cat([(red * -0.168736) - (green * 0.331264) + (blue * 0.5), (red * 0.5) - (green * 0.418688) - (blue * 0.081312)], 1);
        return (Bits(luminance, s_luminance) + Bits(nn.functional.avg_pool2d(chrominance, 2), s_chrominance)).MoveToOuterDisposeScope();
    }

    private static long Missing(long size) => (2 * Side - (size % (2 * Side))) % (2 * Side);

    // [B, c, H, W] to [B].
    private Tensor Bits(Tensor plane, double[] table)
    {
        var (height, width) = (plane.shape[2] / Side, plane.shape[3] / Side);
        var blocks = plane.reshape(-1, plane.shape[1], height, Side, width, Side).permute(0, 1, 2, 4, 3, 5);
        var cosines = Cosines(plane);
        var values = cosines.matmul(blocks).matmul(cosines.t()) / Table(table, plane);
        var first = values.select(5, 0).select(4, 0);
        var steps = cat([first.narrow(3, 0, 1), first.narrow(3, 1, width - 1) - first.narrow(3, 0, width - 1)], 3);
        var all = (values.square() + 1).log2().flatten(1).sum([1]);
        return all - (first.square() + 1).log2().flatten(1).sum([1]) + (steps.square() + 1).log2().flatten(1).sum([1]);
    }

    private Tensor Table(double[] table, Tensor like)
    {
        var scale = quality < 50 ? 5000 / quality : 200 - (2 * quality);
        return tensor([.. table.Select(entry => (float)Math.Clamp(Math.Floor(((entry * scale) + 50) / 100), 1, 255))], device: like.device).view(Side, Side);
    }

    private static Tensor Cosines(Tensor like)
    {
        var rows = new float[Side * Side];
        for (var k = 0; k < Side; k++)
        {
            for (var n = 0; n < Side; n++) rows[(k * Side) + n] = (float)(Math.Cos(Math.PI * ((2 * n) + 1) * k / (2 * Side)) * (k == 0 ? Math.Sqrt(1.0 / Side) : Math.Sqrt(2.0 / Side)));
        }
        return tensor(rows, device: like.device).view(Side, Side);
    }
}
