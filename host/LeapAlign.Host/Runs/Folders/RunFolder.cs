using System.Globalization;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>The folder of one run, <c>runs/&lt;name&gt;/</c>.</summary>
internal sealed class RunFolder
{
    private const string LockFile = "run.lock";

    private RunFolder(string path) => Path = path;

    /// <summary>Its full path.</summary>
    public string Path { get; }

    /// <summary>What writes into it; for the process that works in it, a <see cref="HeldDisk"/>.</summary>
    public IDisk Disk { get; init; } = SystemDisk.Instance;

    public string Name => System.IO.Path.GetFileName(Path);

    public string Resolved => System.IO.Path.Combine(Path, "plugins.resolved.json");

    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    public string Export => System.IO.Path.Combine(Path, "export");

    /// <summary>The files of the trained adapter; not there where all weights are trained.</summary>
    public string Adapter => System.IO.Path.Combine(Path, "adapter");

    /// <summary>Where the export goes.</summary>
    public ExportFolders Exports => new(Export, Adapter);

    /// <summary>Holds the checkpoints.</summary>
    public string Checkpoints => System.IO.Path.Combine(Path, "checkpoints");

    /// <summary>Holds the state before each step that went wrong.</summary>
    public string Faults => System.IO.Path.Combine(Path, "faults");

    /// <summary>Where states of the run go.</summary>
    public (CheckpointStore Checkpoints, CheckpointStore Faults) Stores => (new(Checkpoints, Disk), new(Faults, Disk));

    /// <summary>Says how the run was begun.</summary>
    public string Origin => System.IO.Path.Combine(Path, "origin.json");

    /// <summary>What the run is, where it runs and how far it is.</summary>
    public string Record => System.IO.Path.Combine(Path, "run.json");

    public string Report => System.IO.Path.Combine(Path, "report.html");

    /// <summary>The folder of TensorBoard's event files.</summary>
    public string Events => System.IO.Path.Combine(Path, "tensorboard");

    /// <summary>The grid of an evaluation, or of one of its previews.</summary>
    public string Sample(int step, string? preview = null) => SampleStem(step, preview) + ".png";

    /// <summary>One picture of that grid, as it is.</summary>
    public string Sample(int step, int number, string? preview = null) => System.IO.Path.Combine(SampleStem(step, preview), string.Create(CultureInfo.InvariantCulture, $"{number:D2}.png"));

    private string SampleStem(int step, string? preview) =>
        System.IO.Path.Combine(Path, "samples", preview is null ? "" : $"preview-{preview}", string.Create(CultureInfo.InvariantCulture, $"step-{step:D4}"));

    /// <summary>The same folder, into which another disk writes.</summary>
    public RunFolder On(IDisk disk) => new(Path) { Disk = disk };

    /// <summary>A folder that is there.</summary>
    public static RunFolder At(string path) => new(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));

    /// <summary>The folder of a run that was begun.</summary>
    /// <returns><see cref="FaultCodes.NoCheckpoint"/> when there is no such run.</returns>
    public static Result<RunFolder> Open(string path)
    {
        var folder = At(path);
        return File.Exists(folder.Resolved) ? folder : new Fault.Run(FaultCodes.NoCheckpoint, "there is no run in this folder", new SourcePlace(path));
    }

    /// <summary>Whether a process worked here and none does: one that ended without a word leaves the file behind, and the system has let go of it.</summary>
    public bool IsLeft
    {
        get
        {
            var file = System.IO.Path.Combine(Path, LockFile);
            if (!File.Exists(file)) return false;
            try
            {
                // Shared with others that look, never with a process that works here.
                using var free = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
                return true;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>Whether a process works here.</summary>
    public bool IsTaken => File.Exists(System.IO.Path.Combine(Path, LockFile)) && !IsLeft;

    /// <summary>Takes the folder for this process alone. The system lets go of it when the process ends, however it ends.</summary>
    /// <returns><see cref="FaultCodes.RunFolderTaken"/> when another process works in it.</returns>
    public Result<IDisposable> Lock()
    {
        var file = System.IO.Path.Combine(Path, LockFile);
        // Who looks whether a process works here (IsLeft) holds the file for an instant.
        for (var again = true; ; again = false)
        {
            try
            {
                return Result.Ok<IDisposable>(new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (UnauthorizedAccessException exception)
            {
                return CannotWrite(file, exception);
            }
            catch (IOException exception) when (!IsHeld(exception))
            {
                return CannotWrite(file, exception);
            }
            catch (IOException) when (again)
            {
                Thread.Sleep(50);
            }
            catch (IOException)
            {
                return new Fault.Run(FaultCodes.RunFolderTaken, "another process works in this run folder", new SourcePlace(Path));
            }
        }
    }

    // By the number of the system's error, which .NET hands on: another process has the file. A folder that is gone, or a disk that is full or cannot be written, is another matter.
    private static bool IsHeld(IOException exception) => exception.HResult is 11 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021);

    /// <summary>
    /// Makes the folder. One that exists is never written over: the name gets a number behind it, or, with <paramref name="force"/>, the old folder is
    /// replaced.
    /// </summary>
    public static Result<RunFolder> Create(string parent, string name, bool force)
    {
        if (!CheckName(name).TryGet(out _, out var misnamed)) return misnamed;
        try
        {
            SystemDisk.Instance.MakeFolder(parent);
            var path = System.IO.Path.Combine(parent, name);
            if (force)
            {
                if (Directory.Exists(path) && !Remove(new RunFolder(path)).TryGet(out _, out var taken)) return taken;
            }
            else
            {
                for (var number = 2; System.IO.Path.Exists(path); number++) path = System.IO.Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{name}-{number}"));
            }
            SystemDisk.Instance.MakeFolder(path);
            Directory.CreateDirectory(System.IO.Path.Combine(path, "samples"));
            return new RunFolder(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return CannotWrite(System.IO.Path.Combine(parent, name), exception);
        }
    }

    /// <summary>Whether a run's folder can have a name.</summary>
    public static Result<Unit> CheckName(string name) => name.Length > 0 && name is not ("." or "..") && name.AsSpan().IndexOfAny(System.IO.Path.GetInvalidFileNameChars()) < 0
        ? Unit.Value
        : new Fault.Configuration(FaultCodes.UnknownValue, $"'{name}' cannot be the name of a run's folder", new SourcePlace("plugins.json", Key: "run.name"));

    /// <summary>Makes a folder, if it is not there.</summary>
    public static Result<Unit> Make(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return CannotWrite(path, exception);
        }
    }

    /// <summary>Removes what nobody needs any more. What the disk refuses stays.</summary>
    public static void Discard(string path)
    {
        try
        {
            SystemDisk.Instance.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A disk that cannot be written often cannot be tidied either.
        }
    }

    private static Result<Unit> Remove(RunFolder folder) => folder.Lock().Map(held =>
    {
        using (held) Directory.Delete(folder.Path, recursive: true);
        return Unit.Value;
    });

    /// <summary>Says that a file of a run cannot be read.</summary>
    public static Fault CannotRead(string path, Exception exception)
    {
        var why = exception is FileNotFoundException or DirectoryNotFoundException ? "it is not there; a run folder holds plugins.resolved.json and metrics.jsonl" : exception.Message.Split('\n')[0];
        return new Fault.Input(FaultCodes.RunNotReadable, $"the file of a run cannot be read: {why}", new SourcePlace(path));
    }

    /// <summary>Writes a whole file into a folder that is made if it is not there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">Everything in it.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    public static Result<Unit> WriteInto(string path, ReadOnlyMemory<byte> content, IDisk? disk = null) => MakeAbove(path, disk).Bind(_ => WholeFile.Write(path, content, disk));

    /// <summary>Makes the folder that a file or a folder will be in, and those above it.</summary>
    /// <param name="path">The file or the folder.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    public static Result<Unit> MakeAbove(string path, IDisk? disk = null)
    {
        try
        {
            (disk ?? SystemDisk.Instance).MakeFolder(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return CannotWrite(path, exception);
        }
    }

    /// <summary>Whether an exception is the system's refusal to write. .NET reports a limit on the size of files (<c>ulimit -f</c>) as an argument that is out of range.</summary>
    public static bool IsRefusal(Exception exception) => exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException;

    public static Fault CannotWrite(string path, Exception exception) =>
        new Fault.Run(FaultCodes.CannotWrite, $"cannot be written: {exception.Message}", new SourcePlace(path));
}
