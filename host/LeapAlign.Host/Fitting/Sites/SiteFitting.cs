using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Joined;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Fitting.Sites;

/// <summary><c>fit --over</c>: the processes of a launcher are sites, each with a file of its own, and fit one reward together. Every site writes it, the same to the byte.</summary>
internal sealed class SiteFitting(Terminal terminal, ILoggerFactory loggers)
{
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    /// <summary>Fits and writes. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">Model, captions and rewards, and what joins the sites.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Asks to stop.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Fit(RunPlan plan, FitOptions options, CancellationToken stop)
    {
        using var asked = CancellationTokenSource.CreateLinkedTokenSource(stop);
        IReadOnlyList<AskedSize> sizes = plan.Size is { } size ? [new AskedSize(size, new SourcePlace("plugins.json", Key: "run.size"))] : [];
        // A part that gave up in one site would leave the others waiting: a stop is heard at meetings.
        return RunSite.Open(plan, loggers, Launcher.Here is { Rank: > 0 } ? TextWriter.Null : terminal.Error, sizes, CancellationToken.None).Bind(site =>
        {
            using (site)
            {
                var traits = ProcessTraits.OfSites(plan, RunIdentity.Of(plan with { ResolvedJson = "{}" }), Asked(options));
                return JoinedProcesses.OpenSites(plan, site, traits, asked).Bind(joined =>
                {
                    using (joined) return Together(plan, options, site, joined.Ranks, asked.Token);
                });
            }
        });
    }

    // What all sites have to be asked alike. Threads and processors may differ: what they compute by themselves is their own.
    private static Dictionary<string, string> Asked(FitOptions options) => new()
    {
        ["the reward that is fitted"] = options.Reward,
        [FitOptions.OverOption] = options.Over!,
        [FitOptions.PenaltyOption] = options.Penalty.ToString("R", CultureInfo.InvariantCulture),
        [FitOptions.SigmasOption] = string.Join(',', options.Sigmas.Select(static sigma => sigma.ToString("R", CultureInfo.InvariantCulture))),
        ["--seed"] = options.Seed.ToString(CultureInfo.InvariantCulture),
        ["--held-out"] = options.HeldOut.ToString("R", CultureInfo.InvariantCulture),
        ["what is learnt"] = options.Scores is null ? FitOptions.PairsOption : FitOptions.ScoresOption,
        [FitOptions.ResumeOption] = options.Resumes ? "given" : "absent",
        [$"the file of {FitOptions.LayersOption}"] = options.Layers is { } layers ? FileSample.Digest(layers) : "absent",
    };

    // Whatever ends one of the sites ends all of them, with the same fault.
    private Result<Completion> Together(RunPlan plan, FitOptions options, RunSite site, RunRanks ranks, CancellationToken stop)
    {
        ranks.Warnings = site.Warnings;
        return RankGraph.Of(options.Over!, ranks.World, new SourcePlace(FitOptions.OverOption)).Match(
            graph => ranks.Agreed("the end of the fit", site.Work("fitting", owned => Made(plan, options, (site, owned), (ranks, graph), stop))),
            // Found by all alike: none waits for another.
            fault => Result.Fail<Completion>(fault with { Rank = ranks.IsAlone ? null : 0 }));
    }

    private Result<Completion> Made(RunPlan plan, FitOptions options, (RunSite Site, List<IDisposable> Owned) at, (RunRanks Ranks, RankGraph Graph) sites, CancellationToken stop)
    {
        var (site, owned) = at;
        var stages = site.Stages();
        using var watchdog = new Watchdog(plan.Guard, TimeProvider.System, terminal.End, sites.Ranks, site.People);
        stages.Add(watchdog);
        sites.Ranks.Stages = stages;
        void Say(string line)
        {
            if (sites.Ranks.Rank == 0) terminal.Error.WriteLine(line);
        }
        return from named in RewardFitting.Named(plan, options.Reward)
               from reward in RewardFitting.Fitted(named, site, owned)
               from place in sites.Ranks.Agreed("the file of the reward", RewardFitting.CanBe(reward, named, options))
               from prompts in RunParts.Make<IPromptSource>(plan.Prompts, site.Context, owned).Bind(static made => made.Read())
               from model in RunParts.Make<IModel>(plan.Model, site.FrozenContext, owned)
               from pictures in PictureSpace.Of(model, plan.Size ?? model.NativeSize)
               let stem = string.Create(CultureInfo.InvariantCulture, $"{reward.File}.site{sites.Ranks.Rank}")
               let work = new SiteFit(plan, options, (model, pictures, site.Device), sites.Ranks, stages, Say) { States = stem }
               from done in work.Run(reward, sites.Graph, prompts, stop)
               from completion in done is null ? Kept(Say) : Written(options, reward, done, (sites.Ranks, stem))
               select completion;
    }

    private static Result<Completion> Kept(Action<string> say)
    {
        say($"interrupted: what the sites came to is kept, and {FitOptions.ResumeOption} goes on from it");
        return Completion.Interrupted;
    }

    // One after the other: sites of one machine may write the same file.
    private Result<Completion> Written(FitOptions options, IFittedReward reward, FitOutcome done, (RunRanks Ranks, string Stem) sites)
    {
        for (var rank = 0; rank < sites.Ranks.World; rank++)
        {
            var written = rank == sites.Ranks.Rank ? RewardFitting.Write(reward.File, done.File) : Unit.Value;
            if (!sites.Ranks.Agreed("the reward on the disk", written).TryGet(out _, out var fault)) return fault;
        }
        SiteStates.Remove(sites.Stem);
        return sites.Ranks.Rank == 0 ? RewardFitting.Show(terminal, options, reward, done) : Completion.Whole;
    }
}
