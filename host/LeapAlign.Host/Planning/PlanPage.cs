using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using Spectre.Console;
using static System.FormattableString;
using static TorchSharp.torch;

namespace LeapAlign.Host.Planning;

/// <summary>What <c>plan</c> prints.</summary>
internal sealed class PlanPage(Terminal terminal, RunPlan plan, Draft draft)
{
    private readonly StepPlan _step = draft.Step;

    /// <summary>Prints the plan for this machine, or for a card.</summary>
    /// <param name="card">The card; null for this machine.</param>
    public void Print(Card? card)
    {
        terminal.Write(Invariant($"{plan.Algorithm.Definition.Id} on {ModelName.Of(plan.Model)}: {plan.Run.Batch * plan.Run.Accumulation} samples a step, {_step.Cost} for each{(_step.Passes.Most > 1 ? Invariant($", the step {_step.Passes} times for an update of {plan.Optimizer.Definition.Id}") : "")}, {_step.Trained / 1e6:0.0} M trained numbers, {plan.Run.Dtype}, {get_num_threads()} threads"));
        if (_step.IsMeasured) Times(card);
        Memory(card);
        Proposed(card);
        if (card is not null) terminal.Write("unproved: computed from figures that the card's maker publishes and from what was measured here, not run on such a card");
    }

    private void Times(Card? card)
    {
        if (card is not null)
        {
            var work = _step.MultiplyAdds(plan.Run.BlocksPerCheckpoint > 0, plan.Adapter is null);
            terminal.Write(card.Seconds(work) is { } seconds
                ? Invariant($"a step is {work / 1e12:0.00} x 10^12 multiply-adds: about {seconds:0.00} s on {card.Name}, at {Card.Efficiency:P0} of its published rate")
                : Invariant($"a step is {work / 1e12:0.00} x 10^12 multiply-adds"));
            return;
        }
        var table = terminal.Table("stage", "s/step", "share");
        foreach (var (stage, seconds) in _step.Times) Row(table, stage, Invariant($"{seconds:F3}"), Invariant($"{seconds / _step.Seconds:P1}"));
        Row(table, "step", Invariant($"{_step.Seconds:F3}"), "");
        Row(table, "captions, once for each batch", Invariant($"{_step.Encode:F3}"), "");
        Row(table, Invariant($"{plan.Run.Steps} steps, without evaluations"), Invariant($"{plan.Run.Steps * _step.Seconds:F0}"), "");
        terminal.Console.Write(table);
    }

    private void Memory(Card? card)
    {
        var table = terminal.Table("memory", "GiB");
        if (card is not null) Row(table, "weights that are not trained", Gibibytes(_step.WeightsOnDevice));
        foreach (var term in _step.Memory.Where(term => card is null || term.Name != StepPlan.SnapshotName)) Row(table, term.Name, Gibibytes(term.Bytes));
        Row(table, _step.IsMeasured ? "at the peak" : "before the first evaluation", Gibibytes(card is null ? _step.Bytes : _step.BytesOfDevice));
        Row(table, card is null ? "there are" : $"{card.Name} has", Gibibytes(card?.Room ?? SystemMemory.Room));
        if (card is not null && _step.Mapped > _step.WeightsOnDevice) Row(table, "beside it, in the memory of its machine", Gibibytes(_step.Mapped - _step.WeightsOnDevice));
        if (card is null) Row(table, "beside it, page cache for weights in their files", Gibibytes(_step.Mapped));
        terminal.Console.Write(table);
    }

    private void Proposed(Card? card)
    {
        string[] elsewhere = [.. plan.Rewards.Where(static reward => ScorerPlacement.Of(reward) is not null).Select(static reward => $"'{reward.Part.Name}'")];
        if (elsewhere.Length > 0) terminal.Write($"not counted: {string.Join(", ", elsewhere)}, in processes that score (run.scorers)");
        var room = card?.Room ?? SystemMemory.Room;
        Func<StepPlan, double> needs = card is null ? static step => step.Bytes : static step => step.BytesOfDevice;
        if (needs(_step) <= room)
        {
            terminal.Write("it fits");
            return;
        }
        var proposals = Proposals.Of(plan, _step, needs, room, draft.AdapterNumbers);
        foreach (var proposal in proposals)
            terminal.Write(Invariant($"{proposal.Arguments}: then about {RunFit.Gibibytes(needs(proposal.After))}; {proposal.Does}"));
        if (proposals.Count == 0 || needs(proposals[^1].After) > room) terminal.Write("nothing that is known here makes it fit");
    }

    private static void Row(Table table, params string[] cells) => table.AddRow(cells.Select(Terminal.Cell));

    private static string Gibibytes(double bytes) => Invariant($"{bytes / (1L << 30):F2}");
}
