using System.Text.RegularExpressions;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.State;

/// <summary>The names of states, which become names of files in checkpoints. Algorithms name their copies of the policy, and plugins.json names rewards.</summary>
internal static partial class StateNames
{
    /// <summary>Refuses a name that would not be one file's on every file system.</summary>
    /// <exception cref="FaultException"><see cref="FaultCodes.SettingsDoNotFit"/>.</exception>
    public static void Check(string name)
    {
        if (!Plain().IsMatch(name))
        {
            throw new FaultException(new Fault.Composition(
                FaultCodes.SettingsDoNotFit,
                $"'{name}' is to be saved in checkpoints under its name, which may hold letters, digits, '.', '_' and '-', at most 100 of them, and ends with no '.'; give the reward another \"name\", or the algorithm's copy of the policy"));
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?\z")]
    private static partial Regex Plain();
}
