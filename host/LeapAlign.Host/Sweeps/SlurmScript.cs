using System.Globalization;

namespace LeapAlign.Host.Sweeps;

/// <summary>
/// The script of a job array of Slurm that runs a sweep, one member a task. It asks for no time, memory or device: options of <c>sbatch</c> go before those of the script. Before the end of its time a task is told to stop by SIGTERM,
/// which every process of a run hears and takes for one request; SIGUSR1 would end those that do not listen to it.
/// </summary>
internal static class SlurmScript
{
    /// <summary>Seconds before the end of a task's time in which it ends its step and writes its checkpoint.</summary>
    public const int Notice = 120;

    /// <summary>The script.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="program">The words that start this program.</param>
    /// <param name="further">Options of <c>sweep</c> that each member is given.</param>
    /// <param name="atOnce">The most members at once; null for what Slurm decides.</param>
    public static string Of(Sweep sweep, IReadOnlyList<string> program, IReadOnlyList<string> further, int? atOnce)
    {
        var last = sweep.Members.Count - 1;
        var file = Path.GetFullPath(sweep.File);
        string[] words = [.. program, SweepVerb.Name, file];
        var call = string.Join(' ', words.Select(Word));
        var options = string.Concat(further.Select(static word => $" {Word(word)}"));
        var indices = string.Create(CultureInfo.InvariantCulture, $"{(last == 0 ? "0" : $"0-{last}")}{(atOnce is { } most ? $"%{most}" : "")}");
        return $"""
            #!/bin/bash
            # Time, devices and partition belong to the site: sbatch --time=4:00:00 --gpus-per-task=1 --cpus-per-task=8 <this file>
            # Submitted again, members that were stopped go on from their checkpoints, and those that are finished end at once.
            # Afterwards: {$"{call}{options}".ReplaceLineEndings(" ")} --report
            #SBATCH --job-name={sweep.Name}
            #SBATCH --array={indices}
            #SBATCH --ntasks=1
            #SBATCH --signal=TERM@{Notice}
            srun {call} --member "$SLURM_ARRAY_TASK_ID"{options}

            """.ReplaceLineEndings("\n");
    }

    // A word of the shell, whatever is in it.
    private static string Word(string text) =>
        text.Length > 0 && text.All(static character => char.IsAsciiLetterOrDigit(character) || "._-+=,:@%/".Contains(character, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
