using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Captions to token ids of a fixed length, one row for each caption.</summary>
/// <param name="captions">The captions.</param>
/// <returns>[B, T] int64, on the CPU.</returns>
internal delegate Tensor Tokenize(IReadOnlyList<string> captions);

/// <summary>The three tokenizers of a pipeline.</summary>
/// <param name="ClipL">Of <c>text_encoder</c>.</param>
/// <param name="ClipG">Of <c>text_encoder_2</c>.</param>
/// <param name="T5">Of <c>text_encoder_3</c>.</param>
/// <param name="T5Length">Tokens of T5, also where zeros stand in for it.</param>
internal sealed record TextTokenizers(Tokenize ClipL, Tokenize ClipG, Tokenize T5, int T5Length);

/// <summary>
/// Captions to conditioning, as diffusers' pipeline does it: the penultimate states of both CLIP encoders side by side, padded with zeros to the width
/// of T5's states, which follow as further tokens; the pooled states of both CLIP encoders side by side.
/// </summary>
internal sealed class TextConditioner(Sd3Networks networks, TextTokenizers tokenizers, Device device)
{
    /// <summary>Tokens of T5.</summary>
    public int Length => tokenizers.T5Length;

    /// <summary>Encodes a batch without gradient, in fp32.</summary>
    public TextEmbedding Encode(IReadOnlyList<string> captions)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var l = networks.ClipL.Forward(tokenizers.ClipL(captions).to(device));
        var g = networks.ClipG.Forward(tokenizers.ClipG(captions).to(device));
        var clip = cat([l.Penultimate, g.Penultimate], -1).to(ScalarType.Float32);
        var width = networks.Configs.Transformer.ContextWidth;
        var padded = nn.functional.pad(clip, [0, width - clip.shape[2]]);
        var context = cat([padded, T5States(captions, width)], 1);
        return new TextEmbedding(context, cat([l.Pooled, g.Pooled], -1).to(ScalarType.Float32));
    }

    private Tensor T5States(IReadOnlyList<string> captions, long width) =>
        networks.T5?.Forward(tokenizers.T5(captions).to(device)).to(ScalarType.Float32)
        ?? zeros([captions.Count, tokenizers.T5Length, width], dtype: ScalarType.Float32, device: device);
}
