using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Randomness;

/// <summary>
/// The name of a random draw. Everything random in a run is a pure function of its key: nothing carries generator state from one step to the next, so
/// a run resumes without any, a single step can be replayed, and two algorithms can be compared on the same noise.
/// </summary>
public sealed record RandomKey
{
    private readonly string _path;

    private RandomKey(string path) => _path = path;

    /// <summary>The key of a whole run.</summary>
    public static RandomKey OfRun(long seed) => new(FormattableString.Invariant($"seed={seed}"));

    /// <summary>A key below this one, for a purpose such as <c>noise</c>.</summary>
    public RandomKey For(string purpose) => new($"{_path}/{purpose}");

    /// <summary>A key below this one, for a step, rank or index of a purpose.</summary>
    public RandomKey For(string purpose, long index) => new(FormattableString.Invariant($"{_path}/{purpose}={index}"));

    /// <summary>Opens the stream of numbers of this key, from its beginning.</summary>
    public KeyedRandom Open() => new(Hash());

    /// <summary>Standard normal noise; the same on every device and thread count.</summary>
    /// <param name="shape">The shape, for instance [B, C, h, w].</param>
    /// <param name="device">Where the noise goes; it is drawn on the CPU.</param>
    /// <returns>fp32 noise of the given shape.</returns>
    public Tensor Normal(ReadOnlySpan<long> shape, Device device)
    {
        using var generator = new Generator(BinaryPrimitives.ReadUInt64LittleEndian(Hash()), torch.CPU);
        return randn(shape, dtype: ScalarType.Float32, device: torch.CPU, generator: generator).to(device);
    }

    /// <summary>Standard normal noise of several draws, each as <see cref="Normal"/> gives it alone.</summary>
    /// <param name="keys">n keys.</param>
    /// <param name="shape">The shape of each, for instance [C, h, w].</param>
    /// <param name="device">Where the noise goes.</param>
    /// <returns>fp32 noise, [n, ...].</returns>
    public static Tensor NormalOfEach(IEnumerable<RandomKey> keys, ReadOnlySpan<long> shape, Device device)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using var scope = NewDisposeScope();
        List<Tensor> drawn = [];
        foreach (var key in keys) drawn.Add(key.Normal(shape, device));
        return stack(drawn).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override string ToString() => _path;

    private byte[] Hash() => SHA256.HashData(Encoding.UTF8.GetBytes(_path));
}
