using System.CommandLine;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>The run that a verb works on.</summary>
internal sealed class RunArgument() : Argument<string>("run")
{
    /// <summary>The argument.</summary>
    public static RunArgument Create() => new() { Description = "The folder of a run, or 'latest' for the one that was worked on last.", HelpName = "folder" };

    /// <summary>The folder that the user names.</summary>
    /// <returns>A fault where overrides are given that say nothing: what a run was composed from is not read, except to find the folder of the latest.</returns>
    public Result<RunFolder> Find(ParseResult parsed)
    {
        var (which, source) = (parsed.GetValue(this)!, CompositionSource.Of(parsed));
        return source.Set.Count > 0 && which != RunLocation.Latest
            ? Misuse.Of($"--set changes a run; {parsed.CommandResult.Command.Name} works on what is in the folder")
            : RunLocation.Find(which, source);
    }

    /// <summary>The folder, and what its run was composed from: the file that <c>--config</c> names, or its own.</summary>
    public Result<(RunFolder Folder, CompositionSource Source)> FindSource(ParseResult parsed) => FindSource(parsed.GetValue(this)!, parsed);

    /// <summary>The same for a run that another option names.</summary>
    public static Result<(RunFolder Folder, CompositionSource Source)> FindSource(string which, ParseResult parsed)
    {
        var source = CompositionSource.Of(parsed);
        return RunLocation.Find(which, source).Bind(folder => RunLocation.SourceOf(folder, source, GlobalOptions.NamesConfig(parsed)).Map(began => (folder, began)));
    }
}
