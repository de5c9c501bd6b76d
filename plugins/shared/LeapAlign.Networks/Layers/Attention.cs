using LeapAlign.Contracts.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Multi-head attention: <c>softmax(q kᵀ · scale + mask) v</c>.</summary>
public static class Attention
{
    // Scores grow with the square of the sequence: a gigabyte a layer for pictures of 1024 x 1024. Blocks of such a size leave holes that nothing else fits, and the process grows by one for each layer.
    internal const long MostScores = 32L << 20;

    /// <summary>[B, T, heads · d] to [B, heads, T, d].</summary>
    public static Tensor SplitHeads(Tensor input, long heads)
    {
        var shape = input.shape;
        return input.view(shape[0], shape[1], heads, shape[2] / heads).transpose(1, 2);
    }

    /// <summary>[B, heads, T, d] to [B, T, heads · d].</summary>
    public static Tensor JoinHeads(Tensor input)
    {
        var shape = input.shape;
        return input.transpose(1, 2).reshape(shape[0], shape[2], shape[1] * shape[3]);
    }

    /// <summary>Attends.</summary>
    /// <param name="query">[B, heads, Tq, d].</param>
    /// <param name="key">[B, heads, Tk, d].</param>
    /// <param name="value">[B, heads, Tk, d].</param>
    /// <param name="mask">Added to the scores, broadcast to [B, heads, Tq, Tk]; null for none.</param>
    /// <param name="scale">Multiplies the scores; null for 1/√d.</param>
    /// <returns>[B, heads, Tq, d].</returns>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, Tensor? mask = null, double? scale = null)
    {
        // Scores, and the values that they weigh.
        WorkCount.Add(query.numel(), key.shape[^2], 2);
        // The explicit product is faster than the fused kernel on a CPU for short sequences and for every length in bf16; on other devices the
        // fused kernel also keeps memory linear in the sequence. It takes no scale, so a scale other than 1/√d goes into the query.
        var natural = 1.0 / Math.Sqrt(query.shape[^1]);
        if (query.device_type != DeviceType.CPU && query.device_type != DeviceType.META)
        {
            var scaled = scale is { } asked && asked != natural ? query * (asked / natural) : query;
            return nn.functional.scaled_dot_product_attention(scaled, key, value, mask);
        }
        using var scope = NewDisposeScope();
        var (scaledQuery, turned, places) = (query * (scale ?? natural), key.transpose(-2, -1), query.shape[^2]);
        var rows = RowsAtOnce(query, key);
        if (rows >= places) return Attended(scaledQuery, turned, value, mask).MoveToOuterDisposeScope();
        List<Tensor> parts = [];
        for (long first = 0; first < places; first += rows)
        {
            var count = Math.Min(rows, places - first);
            // One mask for all queries stays as it is.
            var own = mask is { } all && all.dim() > 1 && all.shape[^2] > 1 ? all.narrow(-2, first, count) : mask;
            parts.Add(Attended(scaledQuery.narrow(-2, first, count), turned, value, own));
        }
        return cat(parts, -2).MoveToOuterDisposeScope();
    }

    /// <summary>How many queries attend at once: as many as have scores of <see cref="MostScores"/> bytes, in steps of 64.</summary>
    internal static long RowsAtOnce(Tensor query, Tensor key)
    {
        const long step = 64;
        var row = query.shape[..^2].Aggregate(key.shape[^2] * query.ElementSize, static (product, size) => product * size);
        return Math.Max(step, MostScores / Math.Max(1, row) / step * step);
    }

    private static Tensor Attended(Tensor query, Tensor turned, Tensor value, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var scores = matmul(query, turned);
        if (mask is not null) scores = scores + mask;
        return matmul(scores.softmax(-1), value).MoveToOuterDisposeScope();
    }
}
