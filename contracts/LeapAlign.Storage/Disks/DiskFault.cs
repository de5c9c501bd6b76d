using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Disks;

/// <summary>What a disk refuses, as a value.</summary>
internal static class DiskFault
{
    /// <summary>Runs what touches the disk.</summary>
    /// <returns>Its result, or <see cref="FaultCodes.CannotWrite"/>.</returns>
    public static Result<T> Try<T>(string path, Func<Result<T>> body)
    {
        try
        {
            return body();
        }
        // .NET reports a limit on the size of files as an argument that is out of range.
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"cannot be written: {exception.Message}", new SourcePlace(path));
        }
    }

    /// <summary>Removes what a failed write left; the fault that led here is the one to report.</summary>
    public static void Abandon(IDisk disk, string path)
    {
        try
        {
            disk.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A disk that cannot be written often cannot be tidied either.
        }
    }
}
