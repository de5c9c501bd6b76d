namespace LeapAlign.Testing;

/// <summary>Folders for tests that flush thousands of small files: in memory where the system has such a place, since a real disk takes its time for each.</summary>
public static class MemoryFolder
{
    private const string Linux = "/dev/shm";

    /// <summary>Makes a folder.</summary>
    /// <returns>Its full path.</returns>
    public static string Create(string prefix) => Directory.Exists(Linux)
        ? Directory.CreateDirectory(Path.Combine(Linux, $"{prefix}{Guid.NewGuid():N}")).FullName
        : Directory.CreateTempSubdirectory(prefix).FullName;
}
