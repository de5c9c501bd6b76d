using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Pins;

/// <summary>
/// The SHA-256 of a plugin's folder: of the lines that <c>sha256sum</c> prints for all its files, in the order of the bytes of their paths
/// (docs/decisions/0020).
/// </summary>
internal static class PluginFingerprint
{
    private static readonly EnumerationOptions s_all = new() { AttributesToSkip = 0, IgnoreInaccessible = false };
    private static readonly Comparer<string> s_byBytes = Comparer<string>.Create(static (one, other) => Encoding.UTF8.GetBytes(one).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(other)));

    /// <summary>Hashes a folder.</summary>
    /// <returns>64 hexadecimal digits; LA2008 when the folder cannot be read, or has parts that lie outside of it.</returns>
    public static Result<string> Of(PluginHandle plugin)
    {
        try
        {
            var files = Files(new DirectoryInfo(plugin.Folder), "").OrderBy(static file => file.Name, s_byBytes).ToList();
            if (files.Select(static file => Outside(file.Name, file.Info)).FirstOrDefault(static words => words is not null) is { } outside) return Refuse(plugin, outside);
            using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var (name, info) in files) whole.AppendData(Encoding.UTF8.GetBytes(Line(name, Hash(info.FullName))));
            return Convert.ToHexStringLower(whole.GetHashAndReset());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Refuse(plugin, $"cannot be read: {failure.Message}");
        }
    }

    private static IEnumerable<(string Name, FileSystemInfo Info)> Files(DirectoryInfo folder, string prefix) =>
        folder.EnumerateFileSystemInfos("*", s_all).SelectMany(entry => entry is DirectoryInfo { LinkTarget: null } inner
            ? Files(inner, $"{prefix}{inner.Name}/")
            : [($"{prefix}{entry.Name}", entry)]);

    // What lies outside can change while every file of the folder stays as it is.
    private static string? Outside(string name, FileSystemInfo file) => file switch
    {
        DirectoryInfo => $"links to a folder outside of it with '{name}'",
        _ when IsRuntimeConfiguration(name) && HasProbingPaths(file.FullName) => $"names folders outside of it in '{name}' (additionalProbingPaths)",
        _ => null,
    };

    private static bool IsRuntimeConfiguration(string name) =>
        name.EndsWith(".runtimeconfig.json", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".runtimeconfig.dev.json", StringComparison.OrdinalIgnoreCase);

    private static bool HasProbingPaths(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.EnumerateObject().Any(static section => section.Name.Equals("runtimeOptions", StringComparison.OrdinalIgnoreCase)
                    && section.Value.ValueKind == JsonValueKind.Object
                    && section.Value.EnumerateObject().Any(static option => option.Name.Equals("additionalProbingPaths", StringComparison.OrdinalIgnoreCase)));
        }
        catch (JsonException)
        {
            // The loader cannot read it either.
            return false;
        }
    }

    private static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    // A line break in a name must not pass for another file; sha256sum escapes it and says so in front of the line.
    private static string Line(string name, string hash)
    {
        var escaped = name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal);
        return $"{(escaped == name ? "" : "\\")}{hash}  {escaped}\n";
    }

    private static Fault Refuse(PluginHandle plugin, string words) =>
        new Fault.Plugin(FaultCodes.PinMismatch, $"the folder of plugin '{plugin.Id}' {words}, so no pin can speak for it", new(plugin.Folder));
}
