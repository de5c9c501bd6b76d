namespace LeapAlign.Contracts.Models;

/// <summary>The latents of pictures of one size.</summary>
/// <param name="Shape">Of one sample, without the batch dimension: [C, ...], for pictures [C, h, w].</param>
/// <param name="ImageTokens">Tokens of the network that one picture takes; the dynamic shift of noise levels depends on them.</param>
public sealed record LatentSpace(IReadOnlyList<long> Shape, int ImageTokens)
{
    /// <summary>The shape of a batch, [B, C, ...].</summary>
    public long[] Batch(long samples) => [samples, .. Shape];
}
