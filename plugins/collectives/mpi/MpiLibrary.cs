using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Pipeline;

namespace LeapAlign.Collectives.Mpi;

/// <summary>
/// A library that speaks MPI, found while the program runs: nothing is compiled against any. Handles are pointers in Open MPI and numbers in the others; both are one machine
/// word, so that one table of functions serves all of them (the constants are those of their headers and of the ABI of MPI 5).
/// </summary>
internal sealed partial class MpiLibrary
{
    /// <summary>Names a library by its file, before any other is tried.</summary>
    public const string Variable = "LEAPALIGN_MPI";

    /// <summary>The files that are known, in the order of preference.</summary>
    public static IReadOnlyList<string> Known { get; } = [Abi, OpenMpi, Mpich, DebianMpich];

    private const string OpenMpi = "libmpi.so.40", Abi = "libmpi_abi.so.0", Mpich = "libmpi.so.12", DebianMpich = "libmpich.so.12";
    private readonly nint _library;

    private MpiLibrary(nint library, string file, MpiFlavour flavour) => (_library, File, Flavour) = (library, file, flavour);

    /// <summary>Its file, as it was asked for.</summary>
    public string File { get; }

    /// <summary>Its constants.</summary>
    public MpiFlavour Flavour { get; }

    /// <summary>The address of a function.</summary>
    /// <exception cref="FaultException">The library lacks it.</exception>
    public nint Function(string name) => NativeLibrary.TryGetExport(_library, name, out var address)
        ? address
        : throw new FaultException(new Fault.Run(FaultCodes.CollectiveFailed, $"'{File}' has no function {name}: it is no library of MPI 3 or later"));

    /// <summary>The files to try for a launcher, in order.</summary>
    /// <param name="launcher">What started the process.</param>
    /// <param name="variable">The value of a variable of the environment; null for none.</param>
    public static IReadOnlyList<string> Candidates(Launcher launcher, Func<string, string?> variable) => variable(Variable) is { } named ? [named] : launcher.Name switch
    {
        Launcher.OpenMpi or Launcher.PmiX => [OpenMpi, Abi],
        Launcher.Hydra => [Abi, Mpich, DebianMpich],
        // srun speaks both; what the job was given says which.
        Launcher.Slurm when variable("PMIX_RANK") is not null => [OpenMpi, Abi],
        _ => [Abi, Mpich, DebianMpich, OpenMpi],
    };

    /// <summary>Loads the first that is there.</summary>
    /// <param name="launcher">What started the process.</param>
    /// <returns>LA5037, with what was tried.</returns>
    public static Result<MpiLibrary> Find(Launcher launcher)
    {
        var candidates = Candidates(launcher, Environment.GetEnvironmentVariable);
        foreach (var file in candidates)
        {
            if (!NativeLibrary.TryLoad(file, out var library)) continue;
            return FlavourOf(library, file) is { } flavour
                ? new MpiLibrary(library, file, flavour)
                : new Fault.Run(FaultCodes.CollectiveFailed, $"'{file}' is neither Open MPI, MPICH or a relative of it, nor a library of the MPI ABI");
        }
        var tried = string.Join(", ", candidates);
        return new Fault.Run(FaultCodes.CollectiveFailed, $"there is no MPI library to go with {launcher.Name}: {tried} cannot be loaded. Install Open MPI or MPICH, or let {Variable} name the file of one");
    }

    /// <summary>The name and the version in what <c>MPI_Get_library_version</c> says, which some fill with the options of their build.</summary>
    public static string Brief(string version) => Spaces().Replace(version.Split('\n')[0].Split(',')[0], " ").Trim();

    // An ABI library is asked first: looking a symbol up also finds those of the libraries that it stands on.
    private static MpiFlavour? FlavourOf(nint library, string file)
    {
        if (Path.GetFileName(file).StartsWith("libmpi_abi", StringComparison.Ordinal)) return MpiFlavour.Abi;
        if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
            return NativeLibrary.TryGetExport(library, "ompi_mpi_byte", out var bytes) && NativeLibrary.TryGetExport(library, "ompi_mpi_errors_return", out var returns) ? new MpiFlavour(world, bytes, returns, 1) : null;
        return NativeLibrary.TryGetExport(library, "MPI_Init_thread", out _) ? MpiFlavour.Mpich : null;
    }

    [GeneratedRegex(@"[\s:]+")]
    private static partial Regex Spaces();
}

/// <summary>The constants of a family of libraries.</summary>
/// <param name="World">MPI_COMM_WORLD.</param>
/// <param name="Bytes">MPI_BYTE.</param>
/// <param name="ErrorsReturn">MPI_ERRORS_RETURN.</param>
/// <param name="Funnelled">MPI_THREAD_FUNNELED: the thread that computes calls, and others may end the process.</param>
internal sealed record MpiFlavour(nint World, nint Bytes, nint ErrorsReturn, int Funnelled)
{
    /// <summary>MPICH and what has its ABI: Intel MPI, Cray MPICH, MVAPICH.</summary>
    public static MpiFlavour Mpich { get; } = new(0x44000000, 0x4c00010d, 0x54000001, 1);

    /// <summary>The ABI of MPI 5.</summary>
    public static MpiFlavour Abi { get; } = new(0x101, 0x247, 0x142, 1024);
}
