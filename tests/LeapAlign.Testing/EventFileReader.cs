using System.Buffers.Binary;
using Google.Protobuf;

namespace LeapAlign.Testing;

/// <summary>An event of a TensorBoard file, as its bytes tell it.</summary>
/// <param name="Time">Seconds since 1970.</param>
/// <param name="Step">The step; 0 when the message has none.</param>
/// <param name="Version">The version of the file, in its first event.</param>
/// <param name="SessionStatus">The status of a session log; 1 is a start.</param>
/// <param name="Scalars">Scalars by tag.</param>
/// <param name="Images">Pictures by tag: height, width and the encoded file.</param>
public sealed record RecordedEvent(
    double Time, long Step, string? Version, int SessionStatus, IReadOnlyDictionary<string, float> Scalars, IReadOnlyDictionary<string, (int Height, int Width, byte[] File)> Images);

/// <summary>
/// Reads TensorBoard event files without the code that writes them: framing and checksums by the TFRecord format, messages field by field by the numbers of
/// event.proto and summary.proto.
/// </summary>
public static class EventFileReader
{
    /// <summary>Reads every event.</summary>
    /// <exception cref="InvalidDataException">A record is cut, or a checksum is not that of its bytes.</exception>
    public static IReadOnlyList<RecordedEvent> Read(string path)
    {
        var bytes = File.ReadAllBytes(path).AsSpan();
        List<RecordedEvent> events = [];
        while (bytes.Length > 0)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            Check(bytes[..8], bytes.Slice(8, 4));
            Check(bytes.Slice(12, length), bytes.Slice(12 + length, 4));
            events.Add(Event(bytes.Slice(12, length).ToArray()));
            bytes = bytes[(16 + length)..];
        }
        return events;
    }

    private static void Check(ReadOnlySpan<byte> content, ReadOnlySpan<byte> checksum)
    {
        if (Masked(content) != BinaryPrimitives.ReadUInt32LittleEndian(checksum)) throw new InvalidDataException("a checksum is not that of its bytes");
    }

    // Castagnoli's polynomial, bit by bit.
    private static uint Masked(ReadOnlySpan<byte> content)
    {
        var remainder = 0xffffffffu;
        foreach (var value in content)
        {
            remainder ^= value;
            for (var bit = 0; bit < 8; bit++) remainder = (remainder & 1) == 1 ? (remainder >> 1) ^ 0x82f63b78 : remainder >> 1;
        }
        remainder = ~remainder;
        return unchecked(((remainder >> 15) | (remainder << 17)) + 0xa282ead8);
    }

    private static RecordedEvent Event(byte[] message)
    {
        var (time, step, version, status) = (0.0, 0L, (string?)null, 0);
        Dictionary<string, float> scalars = [];
        Dictionary<string, (int, int, byte[])> images = [];
        using var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1: time = input.ReadDouble(); break;
                case 2: step = input.ReadInt64(); break;
                case 3: version = input.ReadString(); break;
                case 5: Summary(input.ReadBytes().ToByteArray(), scalars, images); break;
                case 7: status = SessionLog(input.ReadBytes().ToByteArray()); break;
                default: input.SkipLastField(); break;
            }
        }
        return new RecordedEvent(time, step, version, status, scalars, images);
    }

    private static int SessionLog(byte[] message)
    {
        var status = 0;
        using var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (WireFormat.GetTagFieldNumber(tag) == 1) status = input.ReadEnum();
            else input.SkipLastField();
        }
        return status;
    }

    private static void Summary(byte[] message, Dictionary<string, float> scalars, Dictionary<string, (int, int, byte[])> images)
    {
        using var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (WireFormat.GetTagFieldNumber(tag) == 1) Value(input.ReadBytes().ToByteArray(), scalars, images);
            else input.SkipLastField();
        }
    }

    private static void Value(byte[] message, Dictionary<string, float> scalars, Dictionary<string, (int, int, byte[])> images)
    {
        var name = "";
        using var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1: name = input.ReadString(); break;
                case 2: scalars.Add(name, input.ReadFloat()); break;
                case 4: images.Add(name, Image(input.ReadBytes().ToByteArray())); break;
                default: input.SkipLastField(); break;
            }
        }
    }

    private static (int Height, int Width, byte[] File) Image(byte[] message)
    {
        var (height, width, file) = (0, 0, Array.Empty<byte>());
        using var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1: height = input.ReadInt32(); break;
                case 2: width = input.ReadInt32(); break;
                case 4: file = input.ReadBytes().ToByteArray(); break;
                default: input.SkipLastField(); break;
            }
        }
        return (height, width, file);
    }
}
