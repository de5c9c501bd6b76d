using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Services.Programs;

/// <summary>Finds the file of a program.</summary>
public static class ProgramFile
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Looks at the path, or for a name in the folders of PATH.</summary>
    /// <param name="program">A path, relative to plugins.json, or a name.</param>
    /// <param name="context">Whose reward needs it.</param>
    /// <returns>The full path; a fault when no program is there.</returns>
    public static Result<string> Find(string program, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(program);
        ArgumentNullException.ThrowIfNull(context);
        var isPath = program.AsSpan().ContainsAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);
        var candidates = isPath
            ? [context.Resolve(program)]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, program));
        if (program.Length > 0 && candidates.SelectMany(Names).FirstOrDefault(IsProgram) is { } found) return Path.GetFullPath(found);
        return new Fault.Configuration(FaultCodes.ProgramNotFound, isPath
            ? $"reward '{context.Name}': there is no program '{context.Resolve(program)}', which command names"
            : $"reward '{context.Name}': there is no program '{program}' on the PATH, which command names; install it, or name its path or another program");
    }

    private static IEnumerable<string> Names(string path) => OperatingSystem.IsWindows() ? [path, $"{path}.exe"] : [path];

    private static bool IsProgram(string path) => File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & Executable) != 0);
}
