using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Checkpoints;

/// <summary>
/// The bytes of a manifest. It begins with its own SHA-256, taken with zeros in the place of the digits, so that no byte of it can change unnoticed.
/// </summary>
internal static class SealedManifest
{
    private const string Beginning = "{\n  \"sha256\": \"";
    private const int Digits = 64;

    /// <summary>Writes a manifest.</summary>
    public static byte[] Write(CheckpointManifest manifest)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(manifest with { Sha256 = new string('0', Digits) }, CheckpointJson.Manifest);
        if (!bytes.AsSpan().StartsWith(Encoding.ASCII.GetBytes(Beginning))) throw new InvalidOperationException("a manifest begins with its digest");
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(bytes))).CopyTo(bytes, Beginning.Length);
        return bytes;
    }

    /// <summary>Reads a manifest.</summary>
    /// <returns><see cref="FaultCodes.CheckpointDamaged"/> when any byte is not the one that was written, or the form is one that this program does not know.</returns>
    public static Result<CheckpointManifest> Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            return IsWhole(bytes) ? Parse(bytes, path) : Damaged(path, "it is not, to the last byte, what was written");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(path, $"it cannot be read ({exception.Message})");
        }
    }

    private static bool IsWhole(byte[] bytes)
    {
        if (bytes.Length < Beginning.Length + Digits || !bytes.AsSpan().StartsWith(Encoding.ASCII.GetBytes(Beginning))) return false;
        var said = Encoding.ASCII.GetString(bytes, Beginning.Length, Digits);
        var blank = bytes.ToArray();
        blank.AsSpan(Beginning.Length, Digits).Fill((byte)'0');
        return said == Convert.ToHexStringLower(SHA256.HashData(blank));
    }

    private static Result<CheckpointManifest> Parse(byte[] bytes, string path)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(bytes, CheckpointJson.Manifest)!;
            return manifest.Format == CheckpointManifest.CurrentFormat
                ? manifest
                : Damaged(path, $"its form {manifest.Format} is not one that this program knows; expected {CheckpointManifest.CurrentFormat}");
        }
        catch (JsonException exception)
        {
            return Damaged(path, $"another version of the program wrote it: {exception.Message}");
        }
    }

    private static Fault Damaged(string path, string message) => new Fault.Run(FaultCodes.CheckpointDamaged, message, new SourcePlace(path));
}
