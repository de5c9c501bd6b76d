using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.FewSteps.Pairs;

/// <summary>Pairs of a caption that are made together. Their noise depends on the seed of the store, the caption and the number alone.</summary>
/// <param name="Caption">The caption.</param>
/// <param name="Number">The number of the block among those of its caption, from 0.</param>
internal readonly record struct PairBlock(string Caption, long Number)
{
    private const int DigestDigits = 32;

    /// <summary>The file of the block in a store.</summary>
    public string FileName => string.Create(CultureInfo.InvariantCulture, $"{Digest}-{Number:D6}.safetensors");

    // Captions are texts of people: too long for names, and not always fit for them.
    private string Digest => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Caption)))[..DigestDigits];

    /// <summary>The key of the noise of all pairs of the block, [m, ...].</summary>
    public RandomKey Noise(long seed) => RandomKey.OfRun(seed).For("pairs").For("caption").For(Digest).For("block", Number);
}
