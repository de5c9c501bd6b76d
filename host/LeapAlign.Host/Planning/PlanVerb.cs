using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Planning;

/// <summary>Says what a step will take, before a run begins.</summary>
internal sealed class PlanVerb(PlanRun run, Terminal terminal, ILoggerFactory loggers) : IVerb
{
    private readonly Option<string?> _card = new("--card")
    {
        Description = $"Plans for a GPU that is not here, by published figures: a memory size such as 24GB, or one of {string.Join(", ", Card.Known.Select(static card => card.Name))}.",
        HelpName = "card",
    };

    public Command Describe()
    {
        var command = new Command("plan", "Says how much time and memory a step of plugins.json takes, and what would make it fit. It runs pieces of a step, trains nothing, and ends with LA5016 where the run does not fit.") { _card };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        Card? card = null;
        if (parsed.GetValue(_card) is { } named)
        {
            if (!Card.Of(named).TryGet(out card, out var unknown)) return terminal.Error.Error(unknown);
        }
        return run.Run(CompositionSource.Of(parsed), (plan, _, stop) => Plan(plan, card, stop));
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Result<Completion> Plan(RunPlan plan, Card? card, CancellationToken stop) => RunSite.Open(plan, loggers, terminal.Error, plan.Sizes, stop).Bind(site =>
    {
        using (site)
        {
            var fit = new RunFit(plan);
            return fit.Of(site, stop).Bind(draft =>
            {
                new PlanPage(terminal, plan, draft).Print(card);
                site.Warnings.Summarize();
                if (card is null) return fit.Fits(draft).Map(static _ => Completion.Whole);
                return draft.Step.BytesOfDevice <= card.Room
                    ? Result.Ok(Completion.Whole)
                    : new Fault.Run(FaultCodes.OutOfMemory, $"the run needs about {RunFit.Gibibytes(draft.Step.BytesOfDevice)} on the card, but {card.Name} has {RunFit.Gibibytes(card.Room)} for it");
            });
        }
    });
}
