using System.Buffers.Binary;
using System.Security.Cryptography;

namespace LeapAlign.Contracts.Randomness;

/// <summary>A stream of random numbers that depends on its key alone: SHA-256 of the key and a counter. For the few draws of a step, not for tensors.</summary>
public sealed class KeyedRandom
{
    private readonly byte[] _block;
    private ulong _counter;

    internal KeyedRandom(byte[] key)
    {
        _block = new byte[key.Length + sizeof(ulong)];
        key.CopyTo(_block, 0);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(_block.AsSpan(_block.Length - sizeof(ulong)), _counter++);
        SHA256.HashData(_block, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in {low, …, high − 1}, without bias.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty.</exception>
    public int NextInt(int low, int high)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(low, high);
        var range = (ulong)((long)high - low);
        var limit = ulong.MaxValue - (ulong.MaxValue % range);
        ulong bits;
        do bits = NextBits();
        while (bits >= limit);
        return (int)(low + (long)(bits % range));
    }

    /// <summary>Standard normal (Box–Muller).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Gamma with scale 1 (Marsaglia and Tsang, 2000).</summary>
    /// <param name="shape">Positive.</param>
    public double NextGamma(double shape)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shape);
        if (shape < 1) return NextGamma(shape + 1) * Math.Pow(1 - NextDouble(), 1 / shape);
        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = NextNormal();
            var v = Math.Pow(1 + (c * x), 3);
            if (v > 0 && Math.Log(1 - NextDouble()) < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v))) return d * v;
        }
    }

    /// <summary>A random order of the items (Fisher–Yates).</summary>
    public T[] Shuffle<T>(IEnumerable<T> items)
    {
        T[] order = [.. items];
        for (var last = order.Length - 1; last > 0; last--)
        {
            var other = NextInt(0, last + 1);
            (order[last], order[other]) = (order[other], order[last]);
        }
        return order;
    }
}
