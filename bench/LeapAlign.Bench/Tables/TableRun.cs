using System.Globalization;
using LeapAlign.Host.Planning;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Tables;

/// <summary>A run of a table.</summary>
/// <param name="Table">The table.</param>
/// <param name="Row">Its row.</param>
/// <param name="Stage">The stage of the row.</param>
/// <param name="Try">What is tried; 0 in stages before the last.</param>
/// <param name="Seed">The seed.</param>
internal sealed record TableRun(TableFile Table, TableRow Row, int Stage, int Try, long Seed)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    private bool IsLast => Stage == Row.Stages.Count - 1;

    /// <summary>The name of its folder.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Row.Name.Replace(", ", "-", StringComparison.Ordinal).Replace(' ', '-')}{(Row.Stages.Count > 1 ? $",stage={Stage + 1}" : "")}{(Row.Tries.Count > 1 && IsLast ? $",try={Try + 1}" : "")},seed={Seed}");

    /// <summary>The run that it goes on from; null for a first stage.</summary>
    public TableRun? Before => Stage == 0 ? null : this with { Stage = Stage - 1, Try = 0 };

    /// <summary>Whether all its steps are done.</summary>
    public bool IsFinished => RunStandings.Of(Folder) == RunStanding.Finished;

    private RunFolder Folder => RunFolder.At(Path.Combine(Table.Runs, Name));

    private string Memory => Path.Combine(Table.Runs, $"{Name}.kB");

    /// <summary>What it measured.</summary>
    public Result<RecordedRun> Read() => RunReader.Read(Folder);

    /// <summary>The most resident memory that its processes had, in kB; null where the system does not count it.</summary>
    public long? Kilobytes => File.Exists(Memory) ? long.Parse(File.ReadAllText(Memory), CultureInfo.InvariantCulture) : null;

    /// <summary>Runs it to its end, from its newest checkpoint where there is one. What it prints goes to a file beside its folder.</summary>
    /// <param name="words">Overrides of the command line.</param>
    /// <param name="stop">Asks it to stop after its step, with a checkpoint.</param>
    /// <returns>Whether it came to its end; a fault when it failed.</returns>
    public Result<bool> Do(IReadOnlyList<string> words, CancellationToken stop)
    {
        var standing = RunStandings.Of(Folder);
        if (standing is RunStanding.Finished) return true;
        if (standing is RunStanding.Busy) return false;
        Directory.CreateDirectory(Table.Runs);
        string[] arguments =
        [
            "train", "-c", Table.Config, "--set", $"run.folder={Table.Runs}", "--set", $"run.name={Name}", "--set", string.Create(CultureInfo.InvariantCulture, $"run.seed={Seed}"),
            .. Sets().Concat(words).SelectMany(static word => new[] { "--set", word }),
            .. standing is RunStanding.Stopped ? new[] { "--resume", Folder.Path } : ["--force"],
        ];
        using var log = new StreamWriter(Path.Combine(Table.Runs, $"{Name}.log"), append: true);
        using var process = BuiltHost.Start(arguments);
        using var asked = stop.Register(() => Libc.AskToEnd(process.Id));
        using (var memory = new PeakWatch(() => ProcessStatus.PeakOf(process.Id) ?? 0, s_look))
        {
            while (process.StandardOutput.ReadLine() is { } line) log.WriteLine(line);
            process.WaitForExit();
            if (memory.Highest > 0) File.WriteAllText(Memory, Math.Max(memory.Highest, Kilobytes ?? 0).ToString(CultureInfo.InvariantCulture));
        }
        if (IsFinished) return true;
        return stop.IsCancellationRequested
            ? false
            : new Fault.Run(FaultCodes.MembersFailed, string.Create(CultureInfo.InvariantCulture, $"it ended with exit code {process.ExitCode}"), new SourcePlace(Folder.Path));
    }

    private IEnumerable<string> Sets() => Table.Set.Concat(Row.Stages[Stage]).Concat(IsLast ? Row.Tries[Try] : [])
        .Select(set => $"{set.Key}={Filled(set.Value?.ToJsonString() ?? "null")}");

    private string Filled(string json) => Before is { } before ? json.Replace(TableRow.Export, before.Folder.Export, StringComparison.Ordinal) : json;
}
