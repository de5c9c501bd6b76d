using System.CommandLine;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>A verb of the command line.</summary>
internal interface IVerb
{
    /// <summary>The verb with its options and its action, which returns the exit code.</summary>
    Command Describe();
}
