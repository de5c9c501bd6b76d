using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>
/// 4-bit NormalFloat (Dettmers et al. 2023, arXiv:2305.14314, appendix E): each block of 64 weights of a row is divided by its largest magnitude and rounded to the nearest of 16
/// quantiles of a normal distribution. 0.53 bytes a weight, an error of 9 % of normal weights; unpacking costs five times a cast, so it is for where memory is all.
/// </summary>
internal sealed class Nf4Quantization : Quantization
{
    private const int Block = 64;
    private const int Codes = 16;
    private const double NoSmaller = 1e-30;

    // So many weights are unpacked at a time: what that takes beside the buffer stays small.
    private const long Band = 1 << 20;

    private static readonly float[] s_quantiles =
    [
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
    ];

    /// <inheritdoc/>
    public override string Name => "nf4";

    /// <inheritdoc/>
    public override IReadOnlyList<StoredPart> Parts(long outputs, long inputs) =>
        [new(".nf4", ScalarType.Byte, [outputs, BufferColumns(inputs) / 2]), new(".absmax", ScalarType.BFloat16, [outputs, BufferColumns(inputs) / Block])];

    /// <inheritdoc/>
    public override Tensor Quantise(int part, Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using var scope = NewDisposeScope();
        var (count, columns) = (rows.shape[0], rows.shape[1]);
        var blocks = nn.functional.pad(rows, [0, BufferColumns(columns) - columns]).view(count, -1, Block);
        var largest = RoundedUp(blocks.abs().amax([2]).clamp_min(NoSmaller));
        if (part == 1) return largest.to(ScalarType.BFloat16).MoveToOuterDisposeScope();
        var borders = tensor(s_quantiles.Zip(s_quantiles.Skip(1), static (low, high) => (low + high) / 2).ToArray(), device: rows.device);
        var codes = bucketize(blocks.div(largest.unsqueeze(2)), borders, true, false).view(count, -1, 2);
        return codes.select(2, 0).mul(Codes).add(codes.select(2, 1)).to(ScalarType.Byte).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override long BufferColumns(long inputs) => (inputs + Block - 1) / Block * Block;

    /// <inheritdoc/>
    internal override void Unpack(IReadOnlyList<Tensor> parts, Tensor buffer)
    {
        using var scope = NewDisposeScope();
        var (codes, largest) = (parts[0], parts[1]);
        var (rows, columns) = (buffer.shape[0], buffer.shape[1]);
        var pairs = Pairs(buffer.dtype).to(buffer.device);
        var band = Math.Max(1, Band / columns);
        for (var first = 0L; first < rows; first += band)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(band, rows - first);
            var bytes = codes.narrow(0, first, count).to(ScalarType.Int32).view(-1);
            var values = StableCalls.ViewAs(pairs.index_select(0, bytes), buffer.dtype).view(count, columns / Block, Block);
            buffer.narrow(0, first, count).view(count, columns / Block, Block).copy_(values.mul_(largest.narrow(0, first, count).unsqueeze(2).to(buffer.dtype)));
        }
    }

    // For each byte the two numbers that it stands for, as one number of twice the size: a lookup of numbers is several times faster than one of rows.
    private static Tensor Pairs(ScalarType type)
    {
        var both = new float[Codes * Codes * 2];
        for (var code = 0; code < Codes * Codes; code++) (both[2 * code], both[(2 * code) + 1]) = (s_quantiles[code / Codes], s_quantiles[code % Codes]);
        return StableCalls.ViewAs(tensor(both).to(type), type switch
        {
            ScalarType.BFloat16 or ScalarType.Float16 => ScalarType.Int32,
            ScalarType.Float32 => ScalarType.Int64,
            _ => throw new ArgumentException($"nothing computes with 4-bit weights in {type}", nameof(type)),
        }).view(-1);
    }
}
