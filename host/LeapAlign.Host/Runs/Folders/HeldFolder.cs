using System.Runtime.InteropServices;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>
/// The folder of a run as the process that works in it holds it: open, so that a folder which was moved or removed, and another that took its name, are told from the one in which the run began. Looking costs some
/// microseconds. Where the system does not tell, the folder counts as there.
/// </summary>
internal sealed partial class HeldFolder : IRunObserver, IDisposable
{
    // Neither to read nor to write: it keeps the folder apart from others, whatever its permissions.
    private const int PathOnly = 0x200000, CloseOnStart = 0x80000;

    private readonly string _path;
    private readonly SafeFileHandle _folder;
    private (SafeFileHandle Handle, string Name)? _file;

    private HeldFolder(string path, SafeFileHandle folder) => (_path, _folder) = (path, folder);

    /// <summary>Holds a folder that is there.</summary>
    public static HeldFolder Of(string path) => new(path, new SafeFileHandle(OperatingSystem.IsLinux() ? Open(path, PathOnly | CloseOnStart) : -1, ownsHandle: true));

    /// <summary>From now on the folder counts as emptied when this file is not in it.</summary>
    /// <param name="handle">The file, which is open.</param>
    /// <param name="name">Its name in the folder.</param>
    public void With(SafeFileHandle handle, string name) => _file = (handle, name);

    /// <summary>Whether everything is where it was.</summary>
    /// <returns><see cref="FaultCodes.RunFolderLost"/>.</returns>
    public Result<Unit> Check() => Lost() is { } lost ? new Fault.Run(FaultCodes.RunFolderLost, lost.Words, new SourcePlace(_path)) : Unit.Value;

    /// <summary>What became of the folder; null when it is where it was.</summary>
    public LostFolder? Lost()
    {
        if (_folder.IsInvalid || FileIdentity.Of(_folder) is not { } own) return null;
        var found = FileIdentity.Of(_path, out var absent);
        if (found == own) return IsWhole(_path) ? null : new LostFolder($"the folder of the run was emptied while the run went on: its {_file?.Name} is not the one that the run writes", null);
        // What cannot be asked now may be there.
        if (found is null && !absent) return null;
        if (Now(own) is { } now) return new LostFolder($"the folder of the run was moved to {now} while the run went on", now);
        return new LostFolder($"the folder of the run was removed while the run went on{(absent ? "" : ", and another has its name")}", null);
    }

    /// <summary>Looks before what comes next is computed for nothing.</summary>
    public Result<Unit> GoesOn() => Check();

    public void Dispose() => _folder.Dispose();

    // The system knows the path of what is open; of what is removed it says words behind the path that it had.
    private string? Now(FileIdentity own)
    {
        var path = new FileInfo($"/proc/self/fd/{_folder.DangerousGetHandle()}").LinkTarget;
        return path is not null && FileIdentity.Of(path, out _) == own && IsWhole(path) ? path : null;
    }

    private bool IsWhole(string folder)
    {
        if (_file is not { } file || FileIdentity.Of(file.Handle) is not { } own) return true;
        var found = FileIdentity.Of(Path.Combine(folder, file.Name), out var absent);
        return found == own || (found is null && !absent);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);
}

/// <summary>What became of a folder.</summary>
/// <param name="Words">A sentence.</param>
/// <param name="Now">Where the folder is, whole; null when it is nowhere.</param>
internal sealed record LostFolder(string Words, string? Now);
