namespace LeapAlign.Host.Runtime;

/// <summary>The libraries in the memory of this process.</summary>
internal static class MappedLibraries
{
    /// <summary>How many different files of a name there are; null where the system does not tell.</summary>
    /// <param name="file">The name, without a folder.</param>
    public static int? Count(string file) => OperatingSystem.IsLinux() ? Count(file, File.ReadLines("/proc/self/maps")) : null;

    /// <summary>The same, in the lines of <c>/proc/self/maps</c>: addresses, rights, offset, device and inode stand before the path.</summary>
    public static int Count(string file, IEnumerable<string> maps) => maps
        .Select(static line => line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        .Where(words => words.Length == 6 && Path.GetFileName(words[5]) == file)
        .Select(static words => (Device: words[3], Inode: words[4]))
        .Distinct().Count();
}
