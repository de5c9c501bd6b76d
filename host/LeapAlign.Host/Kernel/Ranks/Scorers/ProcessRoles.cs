using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>What the processes of a run do: the first ones train, the last ones score for them.</summary>
/// <param name="Trainers">How many train.</param>
/// <param name="Scorers">How many score.</param>
internal sealed record ProcessRoles(int Trainers, int Scorers)
{
    /// <summary>The roles in a world.</summary>
    /// <param name="scorers">How many score.</param>
    /// <param name="world">All processes.</param>
    /// <returns>LA3006 where none would be left to train.</returns>
    public static Result<ProcessRoles> Of(int scorers, int world) => world > scorers
        ? new ProcessRoles(world - scorers, scorers)
        : new Fault.Composition(FaultCodes.WorldSize, $"{(world == 1 ? "one process was" : $"{world} processes were")} started, and {scorers} of them would score for the others (run.scorers): start at least {scorers + 1}", new SourcePlace("plugins.json", Key: "run.scorers"))
        {
            Rank = world == 1 ? null : 0,
            Advice = [$"mpirun -n {scorers + 1} leapalign train"],
        };

    /// <summary>Whether a process scores for others.</summary>
    public bool IsScorer(int rank) => rank >= Trainers;

    /// <summary>The process that scores with a reward for one that trains: the one that its placement names, or one by turns.</summary>
    /// <param name="placement">The reward's.</param>
    /// <param name="trainer">The process that trains.</param>
    public int ScorerOf(ScorerPlacement placement, int trainer) => Trainers + (placement.Index ?? trainer % Scorers);

    /// <summary>Whether a process has a reward.</summary>
    /// <param name="placement">The reward's.</param>
    /// <param name="rank">One that scores.</param>
    public bool Has(ScorerPlacement placement, int rank) => placement.Index is not { } index || Trainers + index == rank;
}
