using System.Security.Cryptography;
using System.Text;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// A hash of the content of files, for what is made of them once and kept. Hashing tens of gigabytes takes as long as reading them, so the hash is remembered in a folder with path, length and time of the
/// last change of each file. Whatever is in the folder can be deleted; it is made again.
/// </summary>
/// <param name="folder">The folder, which has to be there.</param>
/// <param name="disk">Where.</param>
/// <param name="stop">Ends it early, with an <see cref="OperationCanceledException"/>.</param>
public sealed class ContentHash(string folder, IDisk disk, CancellationToken stop)
{
    // A file that was written just now may be written again within the resolution of its time stamp.
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(2);

    /// <summary>A folder for what can be made again: in <c>leapalign</c> in the user's.</summary>
    /// <param name="name">What is in it.</param>
    public static string Home(string name) => Path.Combine(UsersFolder(), "leapalign", name);

    /// <summary>The hash of a text, in lower-case hexadecimal digits.</summary>
    public static string Of(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The hash of files one after another, remembered in the user's folder for what can be made again, where there can be one.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="stop">Ends it early, with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>A fault when one cannot be read.</returns>
    public static Result<string> Remembered(IReadOnlyList<string> paths, CancellationToken stop)
    {
        var folder = Home("hashes");
        try
        {
            SystemDisk.Instance.MakeFolder(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Files that cannot be kept are hashed each time.
        }
        return new ContentHash(folder, SystemDisk.Instance, stop).Of(paths);
    }

    /// <summary>The hash of files one after another, in lower-case hexadecimal digits.</summary>
    /// <param name="paths">The files.</param>
    /// <returns>A fault when one cannot be read.</returns>
    public Result<string> Of(IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var files = paths.Select(static path => new FileInfo(Path.GetFullPath(path))).ToArray();
        try
        {
            var memory = Path.Combine(folder, $"{Of(string.Join('\n', files.Select(static file => FormattableString.Invariant($"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}"))))}.hash");
            if (File.Exists(memory) && File.ReadAllText(memory) is { Length: 2 * SHA256.HashSizeInBytes } known) return known;
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var file in files) Append(hash, file.FullName);
            var content = Convert.ToHexStringLower(hash.GetHashAndReset());
            // What cannot be remembered is hashed again.
            if (files.All(file => TimeProvider.System.GetUtcNow() - file.LastWriteTimeUtc > s_settled)) WholeFile.Write(memory, Encoding.ASCII.GetBytes(content), disk);
            return content;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.DamagedWeights, $"the weights cannot be read ({exception.Message})", new SourcePlace(paths[0]));
        }
    }

    private void Append(IncrementalHash hash, string path)
    {
        const int buffered = 1 << 22;
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var buffer = new byte[buffered];
        for (var position = 0L; ;)
        {
            stop.ThrowIfCancellationRequested();
            var count = RandomAccess.Read(file, buffer, position);
            if (count == 0) return;
            hash.AppendData(buffer, 0, count);
            position += count;
        }
    }

    private static string UsersFolder()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } chosen && Path.IsPathFullyQualified(chosen)) return chosen;
        var home = Environment.GetFolderPath(OperatingSystem.IsWindows() ? Environment.SpecialFolder.LocalApplicationData : Environment.SpecialFolder.UserProfile);
        return OperatingSystem.IsWindows() || home.Length == 0 ? (home.Length == 0 ? Path.GetTempPath() : home) : Path.Combine(home, ".cache");
    }
}
