using System.Security.Cryptography;

namespace LeapAlign.Bench.Fuzz;

/// <summary>The files of a target that are kept: every one that failed once, and some that mutation would hardly find.</summary>
/// <param name="folder">Where they are.</param>
internal sealed class Corpus(string folder)
{
    /// <summary>The folder in this repository.</summary>
    /// <param name="root">The root of the repository.</param>
    /// <param name="target">The target.</param>
    public static Corpus Of(string root, IFuzzTarget target) => new(Path.Combine(root, "tests", "fuzz", target.Name));

    /// <summary>The files, in the order of their names.</summary>
    public IReadOnlyList<byte[]> Read() =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];

    /// <summary>Keeps a file.</summary>
    /// <returns>Its path.</returns>
    public string Keep(byte[] input)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(input))[..12]);
        File.WriteAllBytes(path, input);
        return path;
    }
}
