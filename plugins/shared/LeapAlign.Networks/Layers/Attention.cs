using LeapAlign.Contracts.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Multi-head attention: <c>softmax(q kᵀ · scale + mask) v</c>.</summary>
public static class Attention
{
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
        var scores = matmul(query * (scale ?? natural), key.transpose(-2, -1));
        if (mask is not null) scores = scores + mask;
        return matmul(scores.softmax(-1), value);
    }
}
