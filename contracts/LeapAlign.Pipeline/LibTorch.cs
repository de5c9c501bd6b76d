using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace LeapAlign.Pipeline;

/// <summary>
/// The one way on which libtorch and TorchSharp's native wrapper are found (docs/decisions/0042): libtorch in the folder that <see cref="Variable"/> names, else in the one beside the program; the
/// wrapper always beside the program. No other place knows of them, so that a process never maps two.
/// </summary>
public static unsafe class LibTorch
{
    /// <summary>The environment variable that names a folder with another libtorch.</summary>
    public const string Variable = "LEAPALIGN_LIBTORCH";

    private const string Wrapper = "LibTorchSharp";

    private static readonly Lazy<Result<LibTorchFolder>> s_folder = new(LoadOnce);
    private static readonly Dictionary<string, nint> s_libraries = [];
    private static int s_serves;

    /// <summary>The folder beside the program with the wrapper; libtorch itself lies in a folder below.</summary>
    public static string Natives { get; } = Path.Combine(AppContext.BaseDirectory, "natives");

    /// <summary>Loads libtorch and the wrapper, the first time. Call it before the first tensor: what is wrong with the folder is a fault here, and an exception afterwards.</summary>
    /// <returns>Where it was loaded from, or <see cref="FaultCodes.LibTorchUnfit"/>.</returns>
    public static Result<LibTorchFolder> Load()
    {
        SignalStack.Enter();
        return s_folder.Value;
    }

    /// <summary>Answers for the libraries whoever asks for them in the program's own load context. TorchSharp calls it before anything else of its own.</summary>
    public static void Serve()
    {
        if (Interlocked.Exchange(ref s_serves, 1) == 0) AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
    }

    /// <summary>Answers for the libraries; for a load context of its own, which asks nobody else.</summary>
    /// <param name="assembly">Who asks.</param>
    /// <param name="name">What is asked for, with or without prefix and suffix of the system.</param>
    /// <returns>The library, or 0 when it is none of these or the folder does not have it.</returns>
    /// <exception cref="DllNotFoundException">There is no libtorch that fits.</exception>
    public static nint Resolve(Assembly assembly, string name)
    {
        SignalStack.Enter();
        var library = Plain(name);
        if (library is not (Wrapper or LibTorchFolder.Cpu or LibTorchFolder.Cuda)) return 0;
        return Load().Match(_ => s_libraries.GetValueOrDefault(library), fault => throw new DllNotFoundException($"{fault.Code}: {fault.Message}"));
    }

    // The rest before anything of libtorch is called but its version: it looks once whether CUDA is there.
    private static Result<LibTorchFolder> LoadOnce() =>
        from folder in LibTorchFolder.Find(Environment.GetEnvironmentVariable(Variable), Path.Combine(Natives, "libtorch"))
        from core in Load(folder, LibTorchFolder.Core)
        from fit in folder.Judge(VersionOf(s_libraries[LibTorchFolder.Cpu]))
        from rest in Load(fit, LibTorchFolder.Rest)
        from wrapper in Load(Wrapper, Path.Combine(Natives, LibTorchFolder.FileOf(Wrapper)), fit)
        select Served(fit);

    private static LibTorchFolder Served(LibTorchFolder folder)
    {
        Serve();
        return folder;
    }

    private static Result<Unit> Load(LibTorchFolder folder, IEnumerable<string> libraries) => libraries
        .Select(library => (Name: library, File: folder.At(library)))
        .Where(static library => File.Exists(library.File))
        .Select(library => Load(library.Name, library.File, folder))
        .All().Map(static _ => Unit.Value);

    private static Result<Unit> Load(string name, string file, LibTorchFolder folder)
    {
        try
        {
            s_libraries[name] = NativeLibrary.Load(file);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            return folder.Unfit($"'{file}' cannot be loaded: {exception.Message.ReplaceLineEndings(" ")}");
        }
    }

    // major, minor and patch in a byte each, from the top; null where the function is not there.
    private static ulong? VersionOf(nint cpu) => NativeLibrary.TryGetExport(cpu, "aoti_torch_abi_version", out var version) ? ((delegate* unmanaged<ulong>)version)() : null;

    private static string Plain(string name)
    {
        var plain = Path.GetFileNameWithoutExtension(name);
        return plain.StartsWith("lib", StringComparison.Ordinal) && !OperatingSystem.IsWindows() ? plain["lib".Length..] : plain;
    }
}
