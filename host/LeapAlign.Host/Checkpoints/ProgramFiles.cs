using System.Reflection;
using System.Security.Cryptography;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using static TorchSharp.torch;

namespace LeapAlign.Host.Checkpoints;

/// <summary>What the program computes with, apart from plugins: the host, the contracts, and TorchSharp, of which programs run a changed copy (decision 0022).</summary>
internal static class ProgramFiles
{
    /// <summary>The assemblies.</summary>
    public static IReadOnlyList<Assembly> Assemblies { get; } = [typeof(ProgramFiles).Assembly, typeof(Fault).Assembly, typeof(IModel).Assembly, typeof(WholeFile).Assembly, typeof(Tensor).Assembly];

    private static readonly Lazy<string> s_digest = new(static () => Digest(Assemblies.Select(static assembly => (assembly.Location, assembly.ManifestModule.ModuleVersionId))));

    /// <summary>The SHA-256 of all of them, in lower-case hexadecimal digits.</summary>
    public static string Sha256 => s_digest.Value;

    /// <summary>The SHA-256 of files one after another, in lower-case hexadecimal digits.</summary>
    /// <param name="files">The path of each, and what stands for its content where it has none: a program may be one file.</param>
    public static string Digest(IEnumerable<(string Path, Guid Content)> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, content) in files)
        {
            hash.AppendData(path.Length > 0 ? SHA256.HashData(File.ReadAllBytes(path)) : content.ToByteArray());
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
