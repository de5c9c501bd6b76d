using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Sweeps;

/// <summary>Many runs that belong together: as processes here, as one task of a job array, or as the script of one.</summary>
internal sealed class SweepVerb(SweepComposer composer, SweepRun run, SweptMember one, IMemberProcess processes, Terminal terminal) : IVerb
{
    /// <summary>The name of the verb.</summary>
    public const string Name = "sweep";

    private readonly Argument<string> _file = new("file") { Description = "The file that says which runs belong to the sweep.", HelpName = "sweep.json" };
    private readonly Option<int?> _jobs = new("--jobs", "-j") { Description = "Members at once: processes here, between which the processors are divided; with --slurm, tasks. One here, if it is not said.", HelpName = "count" };
    private readonly Option<bool> _list = new("--list") { Description = "Shows the members, what each changes, and how far it is." };
    private readonly Option<int?> _member = new("--member") { Description = "Runs one member in this process, by its number, the first being 0.", HelpName = "number" };
    private readonly Option<bool> _slurm = new("--slurm") { Description = "Prints the script of a job array of Slurm, for sbatch." };
    private readonly Option<bool> _report = new("--report") { Description = "Writes the report over the members that have run." };

    private readonly Option<string[]> _allowed = new("--allow-change")
    {
        Description = "A key that may differ from the configuration that a member began with, for instance run.steps; repeatable.",
        HelpName = "path.to.key",
        DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = false,
    };

    public bool WritesFiles => true;

    public Command Describe()
    {
        _jobs.Limit(1, 4096);
        var command = new Command(Name, "Runs seeds, algorithms and settings side by side, goes on with what was interrupted, and compares them.") { _file, _jobs, _list, _member, _slurm, _report, _allowed };
        command.Validators.Add(Check);
        command.SetAction(Invoke);
        return command;
    }

    private void Check(CommandResult result)
    {
        Option[] modes = [_list, _member, _slurm, _report];
        var asked = modes.Where(option => result.GetResult(option) is { Implicit: false }).ToList();
        if (asked.Count > 1) result.AddError($"{asked[0].Name} and {asked[1].Name} are both given; expected one of them");
        else if (result.GetResult(_jobs) is { Implicit: false } && asked is [var mode] && mode != _slurm) result.AddError($"--jobs says how many members run at once, and {mode.Name} runs none beside another");
        else if (result.GetResult(_allowed) is { Implicit: false } && asked is [var looks] && (looks == _list || looks == _report)) result.AddError($"--allow-change is for members that go on, and {looks.Name} runs none");
    }

    private int Invoke(ParseResult parsed)
    {
        var global = CompositionSource.Of(parsed);
        var read = SweepFile.Read(parsed.GetValue(_file)!, GlobalOptions.NamesConfig(parsed) ? global.Config : null, global.Set);
        if (!read.TryGet(out var sweep, out var fault)) return terminal.Error.Error(fault);
        if (parsed.GetValue(_member) is { } number) return RunOne(sweep, number, parsed.GetValue(_allowed)!);
        if (parsed.GetValue(_slurm)) return Plan(sweep, here: false, _ => Print(SlurmScript.Of(sweep, MemberProcess.Program, Further(parsed, global), parsed.GetValue(_jobs))));
        if (parsed.GetValue(_list)) return Plan(sweep, here: false, List);
        if (parsed.GetValue(_report)) return Plan(sweep, here: false, members => terminal.Finish(SweepReport.Write(sweep, members, terminal)));
        if (Several(Launcher.Here) is { } several) return terminal.Error.Error(several);
        return Plan(sweep, here: true, members => RunAll(sweep, members, new SweepOptions(parsed.GetValue(_jobs) ?? 1, parsed.GetValue(_allowed)!)));
    }

    /// <summary>The fault of a sweep that a launcher started several times; null where it did not.</summary>
    /// <param name="launcher">What started this process.</param>
    public static Fault? Several(Launcher? launcher) => launcher is { StartsSeveral: true }
        ? Misuse.Of($"{launcher.Name} started several processes of this sweep, and each would run every member; --member runs one that they share, and --slurm prints the script of a job array")
        : null;

    private int RunOne(Sweep sweep, int number, IReadOnlyList<string> allowed) => number >= 0 && number < sweep.Members.Count
        ? one.Run(sweep, sweep.Members[number], allowed)
        : terminal.Error.Error(Misuse.Of(string.Create(CultureInfo.InvariantCulture, $"--member {number}: the sweep has {sweep.Members.Count} members, the first being 0 and the last {sweep.Members.Count - 1}")));

    private int Plan(Sweep sweep, bool here, Func<IReadOnlyList<PlannedMember>, int> action) => composer.Plan(sweep, here).Match(action, terminal.Error.Error);

    private int RunAll(Sweep sweep, IReadOnlyList<PlannedMember> members, SweepOptions options)
    {
        Result<Completion> ended;
        using (var interruption = new Interruption(terminal.Error, "stopping after the steps under way; once more stops at once", atOnce: processes.EndAll)) ended = run.Run(sweep, members, options, interruption.Token);
        var reported = ended.Match(static _ => true, static fault => fault.Code == FaultCodes.MembersFailed) && members.Any(static member => File.Exists(member.Folder.Metrics))
            ? SweepReport.Write(sweep, members, terminal)
            : Unit.Value;
        // What the members did goes before what became of the report.
        if (!ended.TryGet(out var completion, out var fault))
        {
            if (!reported.TryGet(out _, out var unwritten)) terminal.Error.Error(unwritten);
            return terminal.Error.Error(fault);
        }
        return reported.Match(_ => completion == Completion.Interrupted ? Interruption.ExitCode : 0, terminal.Error.Error);
    }

    private int List(IReadOnlyList<PlannedMember> members)
    {
        var table = terminal.Table("number", "name", "state", "sets");
        foreach (var member in members)
        {
            string[] cells = [member.Member.Number.ToString(CultureInfo.InvariantCulture), member.Member.Name, member.Word, string.Join(' ', member.Member.Sets.Select(static set => set.Text))];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        return Whole();
    }

    private int Print(string script)
    {
        terminal.WriteData(script);
        return Whole();
    }

    // Other than runs, these are what was asked for.
    private int Whole() => terminal.Lost() is { } why ? terminal.Error.Error(CommandLine.Unwritten(why)) : 0;

    // Where a task runs is not said; the file of the run is.
    private List<string> Further(ParseResult parsed, CompositionSource global) =>
    [
        .. GlobalOptions.NamesConfig(parsed) ? new[] { "--config", Path.GetFullPath(global.Config) } : [],
        .. global.Set.SelectMany(static text => new[] { "--set", text }),
        .. parsed.GetValue(_allowed)!.SelectMany(static key => new[] { "--allow-change", key }),
    ];
}
