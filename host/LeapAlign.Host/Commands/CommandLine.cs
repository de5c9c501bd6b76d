using System.CommandLine;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>The command line: verbs, global options, and what is said when they are misspelt.</summary>
internal sealed class CommandLine(IEnumerable<IVerb> verbs, Terminal terminal)
{
    /// <summary>The exit code of what should not have happened.</summary>
    public const int Unexpected = 70;

    /// <summary>Runs one command.</summary>
    /// <returns>0, the exit code of a fault, 130 when interrupted, 70 on an unexpected exception.</returns>
    public int Run(IReadOnlyList<string> arguments)
    {
        var root = new RootCommand("Aligns flow-matching image models with rewards, by algorithms that are plugins.")
        {
            GlobalOptions.Config, GlobalOptions.Set, GlobalOptions.Verbose,
        };
        foreach (var verb in verbs) root.Subcommands.Add(verb.Describe());

        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0) return terminal.Error.Error(Misspelt(parsed));
        try
        {
            // Signals are handled by the verbs that can stop half-way: the library would end the process while a step is under way.
            return parsed.Invoke(new()
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = terminal.Console.Profile.Out.Writer,
                Error = terminal.Error,
            });
        }
        catch (Exception unexpected)
        {
            var detail = parsed.GetValue(GlobalOptions.Verbose) ? $"{Environment.NewLine}{unexpected}" : "; --verbose shows where";
            terminal.Error.WriteLine($"error: {unexpected.GetType().Name}: {unexpected.Message.ReplaceLineEndings(" ")}{detail}");
            return Unexpected;
        }
    }

    private static Fault Misspelt(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var message = parsed.Errors[0].Message.ReplaceLineEndings(" ").Replace("\t", "", StringComparison.Ordinal).TrimEnd('.', ' ');
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            var known = unknown.StartsWith('-')
                ? command.Options.Concat(parsed.RootCommandResult.Command.Options).Select(option => option.Name)
                : command.Subcommands.Select(verb => verb.Name);
            message = $"{Quoted.Words(unknown)} is not {(unknown.StartsWith('-') ? "an option" : "a verb")} of {command.Name}{NearestName.Hint(unknown, known)}";
        }
        else if (command is RootCommand)
        {
            message = $"a verb is required{NearestName.Hint("", command.Subcommands.Select(verb => verb.Name))}";
        }
        return Misuse.Of(message);
    }
}
