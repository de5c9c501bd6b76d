using System.Buffers.Binary;
using System.Text;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>How a process comes to a meeting.</summary>
internal enum RankStatus
{
    /// <summary>It goes on.</summary>
    Going,

    /// <summary>Its run ends with a fault.</summary>
    Faulted,

    /// <summary>It was asked to stop.</summary>
    Interrupted,
}

/// <summary>What a process tells the others before they exchange anything.</summary>
/// <param name="Status">How it comes.</param>
/// <param name="Size">How much it is about to exchange.</param>
/// <param name="Name">What it is; a long name is cut.</param>
internal readonly record struct RankHeader(RankStatus Status, long Size, string Name)
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 64;

    private const int SizeAt = 8, NameAt = 16;

    /// <summary>As bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, (long)Status);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SizeAt), Size);
        Encoding.UTF8.GetBytes(Name).AsSpan(0, Math.Min(Encoding.UTF8.GetByteCount(Name), Length - NameAt)).CopyTo(bytes.AsSpan(NameAt));
        return bytes;
    }

    /// <summary>From <see cref="ToBytes"/>.</summary>
    public static RankHeader Read(byte[] bytes) => new(
        (RankStatus)BinaryPrimitives.ReadInt64LittleEndian(bytes),
        BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(SizeAt)),
        Encoding.UTF8.GetString(bytes, NameAt, Length - NameAt).TrimEnd('\0'));
}
