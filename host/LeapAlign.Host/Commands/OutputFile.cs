using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Runs.Folders;
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
        if (path != StandardOutput) return Write(path, Encoding.UTF8.GetBytes(text()));
        terminal.WriteData(text());
        return Unit.Value;
    }

    /// <summary>Writes a file that the user names. A link stays a link; a device or a pipe, such as /dev/stdout, is written into, since nothing may take its name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">Everything in it.</param>
    /// <returns>LA5002 when it could not be written; a file that was there stays as it was.</returns>
    public static Result<Unit> Write(string path, byte[] content) =>
        from end in End(path)
        from written in IsStream(path, end) ? Into(path, content) : WholeFile.Write(end, content)
        select written;

    /// <summary>The full path of the folder of a file, from which what stands in it is named; null for standard output, a device and a pipe, which have none.</summary>
    public static string? FolderOf(string path) => path == StandardOutput || IsDevice(path) || RegularFile.IsSpecial(path) ? null : Path.GetDirectoryName(Path.GetFullPath(path));

    /// <summary>Refuses a command line whose options both ask for standard output.</summary>
    public static void OneAtMost(CommandResult result, Option first, Option second)
    {
        bool Asks(Option option) => result.GetResult(option) is { Tokens: [{ Value: StandardOutput }] };
        if (Asks(first) && Asks(second)) result.AddError($"{first.Name} and {second.Name} both ask for standard output; one of them needs a file");
    }

    /// <summary>Refuses a command line that would write over what it reads, or write two things into one file.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="outputs">The options that name what is written.</param>
    /// <param name="inputs">Options and arguments that name what is read, beside plugins.json.</param>
    public static void KeepApart(this Command command, IReadOnlyList<Option> outputs, params IReadOnlyList<Symbol> inputs) => command.Validators.Add(result =>
    {
        var named = outputs.SelectMany(option => Words(result, option).Where(static word => word != StandardOutput).Select(word => (option.Name, Word: word))).ToList();
        var read = inputs.SelectMany(input => Words(result, input).Select(word => (Name: input is Argument argument ? $"<{argument.HelpName ?? argument.Name}>" : input.Name, Word: word)))
            .Append((GlobalOptions.Config.Name, Words(result, GlobalOptions.Config).FirstOrDefault() ?? GlobalOptions.DefaultConfig));
        foreach (var (name, word) in named)
        {
            if (read.FirstOrDefault(input => AreOne(input.Item2, word)) is (not null, _) taken) result.AddError($"{name} {Quoted.Words(word)} would write over what {taken.Item1} names; expected another file");
        }
        for (var index = 1; index < named.Count; index++)
        {
            if (named.Take(index).FirstOrDefault(other => AreOne(other.Word, named[index].Word)) is (not null, _) other)
                result.AddError($"{other.Name} and {named[index].Name} both name {Quoted.Words(named[index].Word)}; each needs a file of its own");
        }
    });

    /// <summary>Whether it can be one, before work that may take long: it is no folder, its folder is there, and may be written into.</summary>
    /// <param name="path">The file.</param>
    public static Result<Unit> CanBe(string path) => CanBe(path, null);

    /// <summary>Whether it can be one, before work that may take long: it is no folder, and its folder may be written into, or will be made.</summary>
    /// <param name="path">The file.</param>
    /// <param name="made">A folder that is made before the file is written, with those above it; null for none.</param>
    public static Result<Unit> CanBe(string path, string? made) => End(path).Bind(end => (Directory.Exists(end), Directory.Exists(Above(end)), made is not null && Holds(Above(end), made)) switch
    {
        (true, _, _) => new Fault.Run(FaultCodes.CannotWrite, "it is a folder; expected a file to write", new SourcePlace(path)),
        (_, false, true) => Unit.Value,
        (_, false, _) => new Fault.Run(FaultCodes.CannotWrite, "its folder does not exist", new SourcePlace(path)),
        _ => IsStream(path, end) ? Unit.Value : Rehearse(path, end),
    });

    private static IEnumerable<string> Words(CommandResult result, Symbol symbol) => symbol switch
    {
        Option option => result.GetResult(option)?.Tokens.Select(static token => token.Value) ?? [],
        Argument argument => result.GetResult(argument)?.Tokens.Select(static token => token.Value) ?? [],
        _ => [],
    };

    // Links and other names of a file are that file.
    private static bool AreOne(string one, string other)
    {
        if (one.Length == 0 || other.Length == 0 || RegularFile.IsSpecial(one)) return false;
        return FileIdentity.Of(one, out _) is { } file ? file == FileIdentity.Of(other, out _) : Path.GetFullPath(one) == Path.GetFullPath(other);
    }

    // What a link leads to, which need not be there.
    private static Result<string> End(string path) => Tried<string>(path, () => RegularFile.IsSpecial(path) || new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName);

    // Standard output that is redirected to a file is reached by a link of /proc: what others have written there stays.
    private static bool IsStream(string path, string end) => RegularFile.IsSpecial(path) || (end != path && IsDevice(path));

    private static bool IsDevice(string path) => Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal);

    private static Result<Unit> Into(string path, byte[] content) => Tried<Unit>(path, () =>
    {
        using var stream = new FileStream(path, RegularFile.IsSpecial(path) ? FileMode.Open : FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(content);
        return Unit.Value;
    });

    private static Result<Unit> Rehearse(string path, string end) => Tried<Unit>(path, () =>
    {
        var aside = $"{end}.partial";
        File.Create(aside).Dispose();
        File.Delete(aside);
        return Unit.Value;
    });

    // .NET reports a limit on the size of files as an argument that is out of range.
    private static Result<T> Tried<T>(string path, Func<Result<T>> body)
    {
        try
        {
            return body();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"cannot be written: {exception.Message.TrimEnd('.')}", new SourcePlace(path));
        }
    }

    private static string Above(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? Path.GetFullPath(path);

    private static bool Holds(string folder, string other) =>
        $"{Path.TrimEndingDirectorySeparator(Path.GetFullPath(other))}{Path.DirectorySeparatorChar}".StartsWith($"{Path.TrimEndingDirectorySeparator(folder)}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);
}
