using System.CommandLine;
using System.Globalization;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>Works on the checkpoints of a run.</summary>
internal sealed class CheckpointVerb(PlanRun run, ModelOfCheckpoint model, Terminal terminal) : IVerb
{
    private readonly Option<int?> _step = new("--step") { Description = "The checkpoint; the newest valid one when it is absent.", HelpName = "number" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "The folder to write; <run>/export when it is absent. Where an adapter was trained its files go to <folder>/adapter.", HelpName = "folder" };
    private readonly Option<int> _keep = new("--keep") { Description = "How many of the newest stay, beside the best.", HelpName = "count", DefaultValueFactory = _ => 1 };

    public Command Describe()
    {
        _keep.Limit(1, 10_000);
        _step.Limit(1, int.MaxValue);
        var command = new Command("checkpoint", "Works on the checkpoints of a run.");
        command.Subcommands.Add(Subcommand("list", "Lists the checkpoints, with what each holds.", List));
        command.Subcommands.Add(Subcommand("verify", "Reads every byte of every checkpoint and says which are valid.", Verify));
        command.Subcommands.Add(Subcommand("prune", "Removes all checkpoints but the newest and the best.", Prune, _keep));
        command.Subcommands.Add(Subcommand("export", "Writes the averaged weights of a checkpoint as a model folder.", Export, _step, _output));
        return command;
    }

    private static Command Subcommand(string name, string meaning, Func<ParseResult, RunArgument, int> action, params IEnumerable<Option> options)
    {
        var argument = RunArgument.Create();
        var command = new Command(name, meaning) { argument };
        foreach (var option in options) command.Options.Add(option);
        command.SetAction(parsed => action(parsed, argument));
        return command;
    }

    private int List(ParseResult parsed, RunArgument run) => terminal.Finish(run.Find(parsed).Map(folder =>
    {
        var store = new CheckpointStore(folder.Checkpoints);
        var table = terminal.Table("step", "written", "size", "best by", "state");
        Table Row(params IEnumerable<string> cells) => table.AddRow(cells.Select(Terminal.Cell));
        foreach (var step in store.Steps().Reverse())
        {
            store.Describe(step).Match(
                found => Row(Number(step), $"{found.Written:u}", $"{found.Bytes / 1e6:0.0} MB", Best(found, step), string.Join(", ", found.States.Keys)),
                fault => Row(Number(step), "", "", "", fault.Message));
        }
        terminal.Console.Write(table);
        return Unit.Value;
    }));

    private int Verify(ParseResult parsed, RunArgument run) => terminal.Finish(run.Find(parsed).Bind(folder =>
    {
        var store = new CheckpointStore(folder.Checkpoints);
        var faults = new List<Fault>();
        foreach (var step in store.Steps().Reverse())
        {
            store.Open(step).Match(
                checkpoint => Say($"step {step}: {checkpoint.Manifest.Files.Count + 1} files, {checkpoint.Bytes / 1e6:0.0} MB, valid"),
                fault =>
                {
                    faults.Add(fault);
                    return Say($"step {step}: {fault}");
                });
        }
        if (store.Steps().Count == 0) return new Fault.Run(FaultCodes.NoCheckpoint, "there is no checkpoint", new SourcePlace(folder.Checkpoints));
        return faults.Count == 0
            ? Result.Ok(Unit.Value)
            : new Fault.Run(FaultCodes.CheckpointDamaged, $"{faults.Count} of {store.Steps().Count} checkpoints are not what was written", new SourcePlace(folder.Checkpoints));
    }));

    private int Prune(ParseResult parsed, RunArgument run) => terminal.Finish(run.Find(parsed).Bind(folder => folder.Lock().Bind(held =>
    {
        using (held)
        {
            var store = new CheckpointStore(folder.Checkpoints);
            // Damaged ones do not count as those that are kept.
            return from newest in store.Newest(terminal.Error.Warning)
                   from removed in store.Prune(parsed.GetValue(_keep), newest.Manifest.Progress.Best?.Step, newest.Step)
                   select Say(removed.Count == 0 ? "nothing to remove" : $"removed the checkpoints of step {string.Join(", ", removed.Order())}");
        }
    })));

    private int Export(ParseResult parsed, RunArgument argument) => argument.FindSource(parsed).Match(
        found => run.Run(found.Source, (plan, _, _) =>
        {
            var store = new CheckpointStore(found.Folder.Checkpoints);
            return from checkpoint in parsed.GetValue(_step) is { } step ? store.Open(step) : store.Newest(terminal.Error.Warning)
                   from output in model.Export(plan, checkpoint, parsed.GetValue(_output) is { } path ? Folders(plan, Path.GetFullPath(path)) : found.Folder.Exports)
                   let said = Say($"exported step {checkpoint.Step} to {output}")
                   select Completion.Whole;
        }),
        terminal.Error.Error);

    // With an adapter the folder is laid out as that of a run.
    private static ExportFolders Folders(RunPlan plan, string output) => plan.Adapter is null ? new(output, output) : new(Path.Combine(output, "export"), Path.Combine(output, "adapter"));

    private Unit Say(string text)
    {
        terminal.Write(text);
        return Unit.Value;
    }

    private static string Number(int step) => step.ToString(CultureInfo.InvariantCulture);

    private static string Best(CheckpointManifest manifest, int step) =>
        manifest.Progress.Best is { } best && best.Step == step ? FormattableString.Invariant($"{best.Reward} {best.Value:F4}") : "";
}
