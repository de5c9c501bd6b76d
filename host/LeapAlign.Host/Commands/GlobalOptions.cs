using System.CommandLine;

namespace LeapAlign.Host.Commands;

/// <summary>Options of every verb.</summary>
internal static class GlobalOptions
{
    /// <summary>The file that composes a run where none is named.</summary>
    public const string DefaultConfig = "plugins.json";

    public static Option<string> Config { get; } = new("--config", "-c")
    {
        Description = "The file that composes the run.",
        HelpName = "path",
        DefaultValueFactory = _ => DefaultConfig,
        Recursive = true,
    };

    public static Option<string[]> Set { get; } = new("--set", "-s")
    {
        Description = "Changes a key of the file, for instance run.seed=1, algorithm.settings.alpha=0.1 or rewards.judge.weight=2; repeatable.",
        HelpName = "path.to.key=value",
        DefaultValueFactory = _ => [],
        AllowMultipleArgumentsPerToken = false,
        Recursive = true,
    };

    public static Option<bool> Verbose { get; } = new("--verbose", "-v")
    {
        Description = "Logs more, and shows the stack of what was not expected.",
        Recursive = true,
    };

    /// <summary>Whether the command line names the file.</summary>
    public static bool NamesConfig(ParseResult parsed) => parsed.GetResult(Config) is { Implicit: false };
}
