using LeapAlign.Pipeline;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Networks.Safetensors;

/// <summary>A file that is complete on disk under a name of its own and takes its real name only when it is committed.</summary>
internal sealed class PendingFile : IDisposable
{
    private const string Suffix = ".partial";
    private readonly string _path;
    private bool _committed;

    private PendingFile(string path) => _path = path;

    /// <summary>Writes the content aside and flushes it to the disk.</summary>
    /// <param name="path">The name the file will have.</param>
    /// <param name="length">Its length in bytes: the space is reserved first, so that a full disk shows before hours of writing.</param>
    /// <param name="write">Writes the content.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses; nothing is left behind then.</returns>
    public static Result<PendingFile> Write(string path, long length, Action<SafeFileHandle> write)
    {
        var pending = new PendingFile(path);
        try
        {
            using (var file = File.OpenHandle(path + Suffix, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, length))
            {
                write(file);
                RandomAccess.FlushToDisk(file);
            }
            return pending;
        }
        // .NET reports a limit on the size of files as an argument that is out of range.
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            pending.Dispose();
            return CannotWrite(path, exception);
        }
        catch
        {
            pending.Dispose();
            throw;
        }
    }

    /// <summary>Gives the file its name, replacing one that is there.</summary>
    public Result<Unit> Commit()
    {
        try
        {
            File.Move(_path + Suffix, _path, overwrite: true);
            _committed = true;
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return CannotWrite(_path, exception);
        }
    }

    /// <summary>Removes the file if it was not committed.</summary>
    public void Dispose()
    {
        if (_committed) return;
        try
        {
            File.Delete(_path + Suffix);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The fault that led here is the one to report; a read-only folder holds nothing to remove.
        }
    }

    private static Fault CannotWrite(string path, Exception exception) =>
        new Fault.Run(FaultCodes.CannotWrite, $"the file cannot be written ({exception.Message})", new SourcePlace(path));
}
