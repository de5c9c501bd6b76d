using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>Writes small text files whole or not at all.</summary>
internal static class TextFile
{
    /// <summary>Writes beside the target and renames, so that a full disk leaves nothing half-written.</summary>
    /// <returns>LA5002 when it cannot be written.</returns>
    public static Result<Unit> Write(string path, string text)
    {
        var aside = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllText(aside, text);
            File.Move(aside, path, overwrite: true);
            return Unit.Value;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            TryDelete(aside);
            return new Fault.Run(FaultCodes.CannotWrite, $"the file cannot be written: {failure.Message}", new(path));
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The fault that is reported is the one that matters.
        }
    }
}
