using System.Buffers.Binary;
using System.Text;

namespace LeapAlign.Storage.Tests.Safetensors;

/// <summary>Builds files byte by byte, independently of the writer under test.</summary>
internal static class SafetensorsBytes
{
    public static byte[] File(string header, int dataBytes) => File(Encoding.UTF8.GetBytes(header), dataBytes);

    public static byte[] File(byte[] header, int dataBytes, ulong? claimedLength = null)
    {
        var file = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimedLength ?? (ulong)header.Length);
        header.CopyTo(file, 8);
        for (var i = 0; i < dataBytes; i++) file[8 + header.Length + i] = (byte)(i + 1);
        return file;
    }
}
