using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>What makes two questions the same: picture, caption, rubric, model and address.</summary>
internal static class QuestionKey
{
    // Another way of asking needs another number.
    private const string Version = "1";

    /// <summary>The SHA-256 of a question, in hexadecimal digits.</summary>
    public static string Of(PictureBytes picture, string caption, Rubric rubric, string model, Uri url)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in (ReadOnlySpan<string>)[Version, FormattableString.Invariant($"{picture.Width} x {picture.Height}"), caption, rubric.Text, model, url.AbsoluteUri]) Append(hash, Encoding.UTF8.GetBytes(text));
        Append(hash, picture.Rgb.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // With its length before it, or the end of one text could be the beginning of the next.
    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
