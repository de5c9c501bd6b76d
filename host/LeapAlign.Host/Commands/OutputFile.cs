using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Commands;

/// <summary>A file that a verb will write.</summary>
internal static class OutputFile
{
    /// <summary>What stands for standard output in the place of a file.</summary>
    public const string StandardOutput = "-";

    /// <summary>Writes a text, whole or not at all, or gives it to standard output.</summary>
    /// <param name="path">The file, or <see cref="StandardOutput"/>; null for nowhere.</param>
    /// <param name="text">The text, which is made where it is wanted.</param>
    /// <param name="terminal">Has standard output.</param>
    public static Result<Unit> Write(string? path, Func<string> text, Terminal terminal)
    {
        if (path is null) return Unit.Value;
        if (path != StandardOutput) return WholeFile.Write(path, Encoding.UTF8.GetBytes(text()));
        terminal.WriteData(text());
        return Unit.Value;
    }

    /// <summary>The full path of the folder of a file, from which what stands in it is named; null for standard output, which has none.</summary>
    public static string? FolderOf(string path) => path == StandardOutput ? null : Path.GetDirectoryName(Path.GetFullPath(path));

    /// <summary>Refuses a command line whose options both ask for standard output.</summary>
    public static void OneAtMost(CommandResult result, Option first, Option second)
    {
        bool Asks(Option option) => result.GetResult(option) is { Tokens: [{ Value: StandardOutput }] };
        if (Asks(first) && Asks(second)) result.AddError($"{first.Name} and {second.Name} both ask for standard output; one of them needs a file");
    }

    /// <summary>Whether it can be one, before work that may take long: it is no folder, and its folder is there.</summary>
    /// <param name="path">The file.</param>
    public static Result<Unit> CanBe(string path) => CanBe(path, null);

    /// <summary>Whether it can be one, before work that may take long: it is no folder, and its folder is there, or will be.</summary>
    /// <param name="path">The file.</param>
    /// <param name="made">A folder that is made before the file is written, with those above it; null for none.</param>
    public static Result<Unit> CanBe(string path, string? made) => (Directory.Exists(path), Directory.Exists(FolderOf(path)) || (made is not null && Holds(FolderOf(path)!, made))) switch
    {
        (true, _) => new Fault.Run(FaultCodes.CannotWrite, "it is a folder; expected a file to write", new SourcePlace(path)),
        (_, false) => new Fault.Run(FaultCodes.CannotWrite, "its folder does not exist", new SourcePlace(path)),
        _ => Unit.Value,
    };

    private static bool Holds(string folder, string other) =>
        $"{Path.TrimEndingDirectorySeparator(Path.GetFullPath(other))}{Path.DirectorySeparatorChar}".StartsWith($"{Path.TrimEndingDirectorySeparator(folder)}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);
}
