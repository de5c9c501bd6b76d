using System.Runtime.InteropServices;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Joined;

/// <summary>The processes that share a run, joined before a weight is read: their number is what was meant, and they have the same configuration, builds and files.</summary>
internal sealed class JoinedProcesses : IDisposable
{
    // Not among the signals that .NET names.

    private readonly List<IDisposable> _owned;
    private PosixSignalRegistration? _signal;

    private JoinedProcesses(RunRanks ranks, List<IDisposable> owned, RunScorers? scorers = null) => (Ranks, _owned, Scorers) = (ranks, owned, scorers);

    /// <summary>The processes that share the steps of the run; in one that scores for others, those that do.</summary>
    public RunRanks Ranks { get; }

    /// <summary>The processes that score for others; null for none.</summary>
    public RunScorers? Scorers { get; }

    /// <summary>Joins the processes that plugins.json says of; one where it says of none.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="site">Where its parts are made.</param>
    /// <param name="identity">What it computes with.</param>
    /// <param name="tuning">How this process was tuned.</param>
    /// <param name="stop">Is set when a launcher asks to stop (SIGUSR1), beside what asked before.</param>
    /// <returns>
    /// LA3005 when a launcher started several processes, and plugins.json says of one; LA3006 when they cannot share a step; LA3007 when they are not alike; or the fault
    /// of the collective.
    /// </returns>
    public static Result<JoinedProcesses> Open(RunPlan plan, RunSite site, RunIdentity identity, StartupTuning tuning, CancellationTokenSource stop) =>
        Joined(plan, site, plan.Run.Scorers, stop, (all, roles) => from share in StepShare.Of(plan.Run, Math.Min(all.Rank, roles.Trainers - 1), roles.Trainers)
                                                                   from same in Alike(all, ProcessTraits.Of(plan, identity, tuning))
                                                                   select same);

    /// <summary>Joins sites, whose captions and pictures are their own, and who share no step.</summary>
    /// <param name="plan">What is made of plugins.json.</param>
    /// <param name="site">Where its parts are made.</param>
    /// <param name="traits">What they must have in common.</param>
    /// <param name="stop">Is set when a launcher asks to stop (SIGUSR1), beside what asked before.</param>
    /// <returns>LA3005 when a launcher started several processes, and plugins.json says of one; LA3007 when they are not alike; or the fault of the collective.</returns>
    public static Result<JoinedProcesses> OpenSites(RunPlan plan, RunSite site, ProcessTraits traits, CancellationTokenSource stop) =>
        Joined(plan, site, 0, stop, (all, _) => from same in Alike(all, traits)
                                                from peers in all.IsAlone ? Unit.Value : Peers(all.Communicator, plan.Collective!, "sites exchange what they have").Map(static _ => Unit.Value)
                                                select peers);

    private static Result<JoinedProcesses> Joined(RunPlan plan, RunSite site, int scorers, CancellationTokenSource stop, Func<RunRanks, ProcessRoles, Result<Unit>> check)
    {
        if (plan.Collective is not { } collective) return Launched(Launcher.Here) is { } launched ? launched : new JoinedProcesses(RunRanks.Alone, []);
        List<IDisposable> owned = [];
        if (!RunParts.Make<ICommunicator>(collective, site.Context, owned).TryGet(out var communicator, out var fault)) return fault;
        var all = new RunRanks(communicator);
        var signal = all.IsAlone ? null : Hear(stop);
        var joined = from roles in ProcessRoles.Of(scorers, all.World)
                     from fits in check(all, roles)
                     from made in scorers == 0 ? new JoinedProcesses(all, owned) { _signal = signal } : Parted(communicator, roles, collective, owned, signal)
                     select made;
        if (joined.IsOk) return joined;
        // Each process finds the same, so that none waits for another.
        signal?.Dispose();
        RunParts.Release(owned);
        return joined;
    }

    private static Result<JoinedProcesses> Parted(ICommunicator all, ProcessRoles roles, PartPlan collective, List<IDisposable> owned, PosixSignalRegistration? signal) =>
        Peers(all, collective, "run.scorers needs").Map(peers => new JoinedProcesses(new RunRanks(peers.Split(roles.IsScorer(all.Rank) ? 1 : 0)), owned, new RunScorers(peers, roles)) { _signal = signal });

    private static Result<IPeerCommunicator> Peers(ICommunicator all, PartPlan collective, string why) => all is IPeerCommunicator peers
        ? Result.Ok(peers)
        : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{why} by messages from one process to another, which the collective '{collective.Name}' does not carry", collective.Place) { Rank = 0 };

    /// <summary>The fault of a process that a launcher started as one of several, for a run of one.</summary>
    /// <param name="launcher">What started it; null for none.</param>
    public static Fault? Launched(Launcher? launcher)
    {
        if (launcher is not { StartsSeveral: true }) return null;
        var number = launcher.World is { } world ? $"{world} processes" : "several processes";
        return new Fault.Composition(
            FaultCodes.LaunchedAlone,
            $"{launcher.Name} started {number} of this run, and plugins.json has no \"collective\": each of them would train the whole run alone. Join them, or start one",
            new SourcePlace("plugins.json", Key: "collective"))
        {
            Rank = 0,
            Advice = [$"\"collective\": {{ \"id\": \"mpi\", \"settings\": {{ \"expectedWorldSize\": {launcher.World ?? 2} }} }}"],
        };
    }

    /// <summary>What differs between processes that must be alike, in the words of every one of them; null where nothing does.</summary>
    /// <param name="said">The traits of each process, by rank.</param>
    public static Fault? Difference(IReadOnlyList<ProcessTraits> said)
    {
        foreach (var name in said.SelectMany(static traits => traits.Values.Keys).Distinct())
        {
            string[] values = [.. said.Select(traits => traits.Values.GetValueOrDefault(name) ?? "absent")];
            if (SameEverywhere.Odd(values) is not { } odd) continue;
            var other = Enumerable.Range(0, values.Length).First(rank => values[rank] != values[odd]);
            var told = name == ProcessTraits.Configuration
                ? $"plugins.json says something else: {string.Join(", ", ChangedKey.Between(said[other].ConfigurationNode, said[odd].ConfigurationNode).Select(change => $"{change.Key} is {change.Before ?? "absent"} in rank {other} and {change.Now ?? "absent"} in rank {odd}"))}"
                : $"{name} is {values[odd]}, and {values[other]} in rank {other}";
            return new Fault.Composition(FaultCodes.RanksUnlike, $"{told}: the processes of a run are alike, or they would train different weights") { Rank = odd };
        }
        return null;
    }

    /// <summary>Leaves the processes: waits until all do.</summary>
    public void Dispose()
    {
        _signal?.Dispose();
        RunParts.Release(_owned);
    }

    private static Result<Unit> Alike(RunRanks ranks, ProcessTraits own)
    {
        if (ranks.IsAlone) return Unit.Value;
        return Difference([.. ranks.Gather("what the processes are", own.ToBytes()).Select(ProcessTraits.Read)]) is { } fault ? fault : Unit.Value;
    }

    // Launchers send it on to all processes and give them the time to end a step, which SIGTERM does not. It is listened to after the library was loaded: MPICH takes it for itself.
    private static PosixSignalRegistration? Hear(CancellationTokenSource stop)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) return null;
        return PosixSignalRegistration.Create(Interruption.BeforeTheEnd, context =>
        {
            context.Cancel = true;
            Interruption.Request(stop);
        });
    }
}
