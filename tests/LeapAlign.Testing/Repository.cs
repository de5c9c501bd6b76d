using System.Reflection;

namespace LeapAlign.Testing;

/// <summary>Where things are in this checkout.</summary>
public static class Repository
{
    /// <summary>The folder of LeapAlign.sln.</summary>
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    /// <summary>The embedded models.</summary>
    public static string Models { get; } = Path.Combine(Root, "models");

    /// <summary>The recorded references: LEAPALIGN_FIXTURES when set, otherwise tests/fixtures.</summary>
    public static string Fixtures { get; } = Environment.GetEnvironmentVariable("LEAPALIGN_FIXTURES") is { Length: > 0 } folder
        ? Path.GetFullPath(folder)
        : Path.Combine(Root, "tests", "fixtures");

    /// <summary>A path below <see cref="Fixtures"/>.</summary>
    public static string Fixture(params string[] parts) => Path.Combine([Fixtures, .. parts]);

    /// <summary>Copies a folder with everything below it, so that a test may damage the copy.</summary>
    public static void CopyFolder(string source, string target)
    {
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>
    /// Deletes the folder of runs, of which one may have been killed: what notes how it ended is a process of its own, which is still writing into the folder for an instant.
    /// </summary>
    /// <exception cref="IOException">Something still writes after ten seconds.</exception>
    public static void DeleteFolder(string folder)
    {
        for (var patience = System.Diagnostics.Stopwatch.StartNew(); ;)
        {
            try
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
                return;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && patience.Elapsed < TimeSpan.FromSeconds(10))
            {
                Thread.Sleep(50);
            }
        }
    }
}
