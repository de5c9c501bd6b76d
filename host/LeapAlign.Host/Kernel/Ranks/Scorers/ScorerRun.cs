using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>A run in a process that scores for others: it makes its rewards, and answers until the others have ended. Nothing of it is on a disk.</summary>
internal static class ScorerRun
{
    /// <summary>Answers until all have ended.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="site">Where its rewards are made.</param>
    /// <param name="scorers">The processes.</param>
    /// <returns>The fault with which the others ended.</returns>
    public static Result<Completion> Serve(RunPlan plan, RunSite site, RunScorers scorers)
    {
        List<IDisposable> owned = [];
        try
        {
            return from rewards in scorers.Meet(new RewardMaking(plan.Rewards, null, site.Context, owned).OfScorer(scorers), static made => made)
                   from served in new ScoringProcess(rewards, scorers.Messages, scorers.Roles.Trainers, site.Device, site.Stages(), site.Warnings).Serve()
                   select Completion.Whole;
        }
        catch (OperationCanceledException)
        {
            // Asked to stop before it met the others, as they are.
            return Completion.Interrupted;
        }
        finally
        {
            RunParts.Release(owned);
        }
    }
}
