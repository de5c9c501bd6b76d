using System.CommandLine;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>A verb of the command line.</summary>
internal interface IVerb
{
    /// <summary>The verb with its options and its action, which returns the exit code.</summary>
    Command Describe();

    /// <summary>Whether its result is files, and what it prints only tells of them: a run goes on, and ends well, where nothing can be printed.</summary>
    bool WritesFiles => false;
}
