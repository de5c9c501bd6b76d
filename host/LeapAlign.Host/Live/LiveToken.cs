using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace LeapAlign.Host.Live;

/// <summary>The secret in the address of a live page. Whoever has it may look at the run; it dies with the process.</summary>
internal sealed class LiveToken
{
    /// <summary>How many random bits it has.</summary>
    public const int Bits = 256;

    private readonly byte[] _bytes;

    public LiveToken() => _bytes = Encoding.ASCII.GetBytes(Text);

    /// <summary>Letters, digits, minus and underscore.</summary>
    public string Text { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bits / 8));

    /// <summary>Whether a request has it. The time that takes does not tell how much of a guess was right.</summary>
    public bool Is(ReadOnlySpan<char> offered)
    {
        Span<byte> bytes = stackalloc byte[_bytes.Length];
        // Other characters than ASCII become '?', which no token has.
        return offered.Length == bytes.Length && Encoding.ASCII.GetBytes(offered, bytes) == bytes.Length && CryptographicOperations.FixedTimeEquals(bytes, _bytes);
    }
}
