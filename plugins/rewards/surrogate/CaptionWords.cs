using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LeapAlign.Contracts.Prompts;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Surrogate;

/// <summary>Captions as numbers: words and pairs of neighbours, each at the place of its hash with a sign, to length one. Nothing is learnt and nothing is looked up, so that any caption of any language has them.</summary>
internal static class CaptionWords
{
    /// <summary>How many numbers.</summary>
    public const int Count = 64;

    /// <summary>The numbers of captions.</summary>
    /// <returns>[B, 64], fp32.</returns>
    public static Tensor Of(IReadOnlyList<Prompt> prompts, Device device) =>
        tensor([.. prompts.SelectMany(static prompt => Of(prompt.Text))], dtype: ScalarType.Float32).reshape(prompts.Count, Count).to(device);

    private static float[] Of(string caption)
    {
        var numbers = new float[Count];
        string[] words = [.. caption.ToLowerInvariant().Split([' ', ',', '.', ';', ':', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries)];
        foreach (var term in words.Concat(words.Zip(words.Skip(1), static (one, next) => $"{one} {next}")))
        {
            var hash = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(term)));
            numbers[(int)(hash % Count)] += hash >> 63 == 0 ? 1 : -1;
        }
        var length = MathF.Sqrt(numbers.Sum(static number => number * number));
        return length > 0 ? [.. numbers.Select(number => number / length)] : numbers;
    }
}
