using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>The command line: verbs, global options, and what is said when they are misspelt.</summary>
internal sealed class CommandLine(IEnumerable<IVerb> verbs, Terminal terminal)
{
    /// <summary>The exit code of what should not have happened.</summary>
    public const int Unexpected = 70;

    // In fewer columns the library lays out its help for ever; the screen folds what is longer.
    private const int NarrowestHelp = 20;

    /// <summary>Runs one command.</summary>
    /// <returns>0, the exit code of a fault, 130 when interrupted, 70 on an unexpected exception.</returns>
    public int Run(IReadOnlyList<string> arguments)
    {
        var root = new RootCommand("Aligns flow-matching image models with rewards, by algorithms that are plugins.")
        {
            GlobalOptions.Config, GlobalOptions.Set, GlobalOptions.Verbose,
        };
        var files = new HashSet<Command>();
        foreach (var verb in verbs)
        {
            var command = verb.Describe();
            root.Subcommands.Add(command);
            if (verb.WritesFiles) files.Add(command);
        }
        var help = root.Options.OfType<HelpOption>().Select(static option => option.Action).OfType<HelpAction>().Single();
        help.MaxWidth = terminal.Console.Profile.Out.IsTerminal ? Math.Max(terminal.Console.Profile.Width, NarrowestHelp) : int.MaxValue;

        // A caption that begins with @ is a caption, and no file of further arguments.
        var parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (OptionTypes.Refusal(parsed) is { } refusal) return terminal.Error.Error(Misuse.Of(refusal));
        if (parsed.Errors.Count > 0) return terminal.Error.Error(Misspelt(parsed));
        if (Empty(parsed) is { } empty) return terminal.Error.Error(empty);
        try
        {
            // Signals are handled by the verbs that can stop half-way: the library would end the process while a step is under way.
            var code = parsed.Invoke(new()
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = terminal.Console.Profile.Out.Writer,
                Error = terminal.Error,
            });
            var isOutput = parsed.Action is HelpAction || !files.Contains(parsed.CommandResult.Command);
            return code == 0 && isOutput && terminal.Lost() is { } why ? terminal.Error.Error(Unwritten(why)) : code;
        }
        catch (Exception exhausted) when (MemoryShortage.Of(exhausted, $"'{parsed.CommandResult.Command.Name}'") is not null)
        {
            return terminal.Error.Error(MemoryShortage.Of(exhausted, $"'{parsed.CommandResult.Command.Name}'")!);
        }
        catch (Exception unexpected)
        {
            var detail = parsed.GetValue(GlobalOptions.Verbose) ? $"{Environment.NewLine}{unexpected}" : "; --verbose shows where";
            terminal.Error.WriteLine($"error: {unexpected.GetType().Name}: {unexpected.Message.ReplaceLineEndings(" ")}{detail}");
            return Unexpected;
        }
    }

    /// <summary>The fault of a result that did not reach its reader.</summary>
    public static Fault Unwritten(string why) => new Fault.Run(FaultCodes.CannotWrite, $"standard output could not be written: {why}; the result is not whole");

    // A path, name or caption that is empty, as of a variable of a script that nobody set. The value that --set gives a key may be.
    private static Fault? Empty(ParseResult parsed)
    {
        foreach (var result in parsed.RootCommandResult.Children.Concat(parsed.CommandResult.Children))
        {
            if (result is OptionResult option && option.Option != GlobalOptions.Set && option.Tokens.Any(static token => token.Value.Length == 0))
                return Misuse.Of($"{option.Option.Name} is given nothing; expected {(option.Option.HelpName is { } help ? $"<{help}>" : "a value")}");
            if (result is ArgumentResult argument && argument.Tokens.Any(static token => token.Value.Length == 0))
                return Misuse.Of($"<{argument.Argument.HelpName ?? argument.Argument.Name}> is empty");
        }
        return null;
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
