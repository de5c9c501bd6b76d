namespace LeapAlign.Pipeline;

/// <summary>A folder with libtorch.</summary>
/// <param name="Path">The folder that holds the libraries themselves.</param>
/// <param name="Version">The version of its libtorch; null until it was asked.</param>
/// <param name="IsNamed">Whether <see cref="LibTorch.Variable"/> names it; otherwise it is the one that comes with the program.</param>
public sealed record LibTorchFolder(string Path, Version? Version, bool IsNamed)
{
    internal const string Cpu = "torch_cpu", Cuda = "torch_cuda";

    /// <summary>What tells the version, and what that needs.</summary>
    internal static IReadOnlyList<string> Core { get; } = ["torch_global_deps", "c10", Cpu];

    /// <summary>What is loaded of a libtorch that fits, where the folder has it.</summary>
    internal static IReadOnlyList<string> Rest { get; } = ["c10_cuda", Cuda, "torch"];

    // The wrapper reaches into objects of libtorch by offsets that were compiled into it: another minor version loads, and computes nonsense.
    internal static Version Expected { get; } = new(2, 10);

    /// <summary>The name of a library's file on this system.</summary>
    internal static string FileOf(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : $"lib{library}.{(OperatingSystem.IsMacOS() ? "dylib" : "so")}";

    /// <summary>Where a library would be.</summary>
    internal string At(string library) => System.IO.Path.Combine(Path, FileOf(library));

    /// <summary>The folder that is to be used.</summary>
    /// <param name="named">What the variable says: the folder of the libraries, or the one above its <c>lib</c>, as archives of libtorch and Python's packages have it.</param>
    /// <param name="bundled">The folder that comes with the program.</param>
    internal static Result<LibTorchFolder> Find(string? named, string bundled)
    {
        var isNamed = !string.IsNullOrEmpty(named);
        var folder = new LibTorchFolder(isNamed ? System.IO.Path.GetFullPath(named!) : bundled, null, isNamed);
        if (!Directory.Exists(folder.Path)) return folder.Unfit("the folder is not there");
        if (File.Exists(folder.At(Cpu))) return folder;
        var below = folder with { Path = System.IO.Path.Combine(folder.Path, "lib") };
        return File.Exists(below.At(Cpu)) ? below : folder.Unfit($"the folder has no {FileOf(Cpu)}");
    }

    /// <summary>Whether the version is the one that TorchSharp's wrapper was built for.</summary>
    /// <param name="version">What libtorch itself says: major, minor and patch in a byte each, from the top.</param>
    internal Result<LibTorchFolder> Judge(ulong? version)
    {
        if (version is not { } known) return Unfit($"its libtorch does not tell its version: it has no aoti_torch_abi_version");
        var said = new Version((int)(known >> 56), (int)(known >> 48 & 0xff), (int)(known >> 40 & 0xff));
        return said.Major == Expected.Major && said.Minor == Expected.Minor ? this with { Version = said } : Unfit($"its libtorch is {said}");
    }

    internal Fault Unfit(string why) => new Fault.Run(
        FaultCodes.LibTorchUnfit,
        $"{(IsNamed ? $"{LibTorch.Variable} names '{Path}'" : $"libtorch of the program, '{Path}'")}: {why}; expected {FileOf(Cpu)} of libtorch {Expected}.x and what belongs to it{(IsNamed ? "" : ", as the build puts it there")}");
}
