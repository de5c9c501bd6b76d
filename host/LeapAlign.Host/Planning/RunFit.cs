using System.Globalization;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Planning;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Planning;

/// <summary>A plan of steps, and what it was made with.</summary>
/// <param name="Step">The plan.</param>
/// <param name="AdapterNumbers">The numbers that an adapter of the default rank would train; null where one is trained already.</param>
internal sealed record Draft(StepPlan Step, double? AdapterNumbers);

/// <summary>Whether a run fits into the memory of this machine: asked by <c>plan</c>, and by <c>train</c> before anything of a run is written.</summary>
/// <param name="plan">The composition.</param>
internal sealed class RunFit(RunPlan plan)
{
    // Below this nothing that a run does comes near the memory of a machine, and a plan would take longer than what it plans.
    private const long RealSize = 1L << 30;

    // The default rank of adapters.
    private const int UsualRank = 64;

    // The files of the model's folders are looked at once.
    private readonly Lazy<bool> _isRealSize = new(() => IsRealSize(plan));

    /// <summary>Makes the parts of the plan, plans their steps, and disposes them.</summary>
    /// <param name="site">Where parts are made.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>Without pieces of work where what is trained alone takes more than there is: then it is not made.</returns>
    public Result<Draft> Of(RunSite site, CancellationToken stop) => TooMuch(site).Bind(draft => draft is not null
        ? Result.Ok(draft)
        : RunParts.Create(plan, site.Context, elsewhere: UnscoredReward.Of).Bind(parts =>
        {
            using (parts) return parts.Check(plan).Bind(_ => Measured(parts, stop));
        }));

    /// <summary>Refuses a run whose trained weights alone would take more memory than there is, before they are made.</summary>
    /// <param name="site">Where parts are made.</param>
    public Result<Unit> Begin(RunSite site) => IsAsked
        ? TooMuch(site).Bind(draft => draft is null ? Unit.Value : Fits(draft))
        : Unit.Value;

    /// <summary>Plans a run whose parts are made, and refuses one that does not fit.</summary>
    /// <param name="parts">Its parts.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>Null where nobody asked for a plan.</returns>
    public Result<StepPlan?> Check(RunParts parts, CancellationToken stop) => IsAsked
        ? Measured(parts, stop).Bind(draft =>
        {
            // What pieces of work left in pieces would be no part of the plan.
            ProcessMemory.GiveBack();
            return Fits(draft).Map(_ => (StepPlan?)draft.Step);
        })
        : Result.Ok<StepPlan?>(null);

    /// <summary>Refuses what does not fit.</summary>
    /// <returns><see cref="FaultCodes.OutOfMemory"/>, with settings that would make it fit.</returns>
    public Result<Unit> Fits(Draft draft)
    {
        var room = SystemMemory.Room;
        if (draft.Step.Bytes <= room) return Unit.Value;
        var largest = draft.Step.Memory.MaxBy(static term => term.Bytes)!;
        var proposals = Proposals.Of(plan, draft.Step, static step => step.Bytes, room, draft.AdapterNumbers);
        var advice = proposals.Count > 0 && proposals[^1].After.Bytes <= room ? $"; it would fit with {string.Join(' ', proposals.Select(static proposal => proposal.Arguments))}" : "";
        return new Fault.Run(
            FaultCodes.OutOfMemory,
            $"the run needs about {Gibibytes(draft.Step.Bytes)}, {Gibibytes(largest.Bytes)} of it for {largest.Name}, but there are {Gibibytes(room)}{advice}; 'leapalign plan' says more, and run.plan=never begins all the same");
    }

    /// <summary>Bytes for people.</summary>
    public static string Gibibytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1L << 30):0.00} GiB");

    private bool IsAsked => plan.Run.Plan == RunSettings.PlanAlways || (plan.Run.Plan == RunSettings.PlanAuto && _isRealSize.Value);

    // A frozen model costs nothing that matters, and knows how many numbers would be trained.
    private Result<Draft?> TooMuch(RunSite site)
    {
        if (plan.Adapter is not null || !_isRealSize.Value) return Result.Ok<Draft?>(null);
        return RunParts.Create(plan, site.FrozenContext, elsewhere: UnscoredReward.Of).Map(parts =>
        {
            using (parts)
            {
                if (parts.Model is not IPlannedModel model) return null;
                var state = new Planner(plan, parts).State(model.TrainableNumbers);
                return state.Bytes > SystemMemory.Room ? new Draft(state, AdapterNumbers(parts)) : null;
            }
        });
    }

    private Result<Draft> Measured(RunParts parts, CancellationToken stop)
    {
        try
        {
            return new Draft(new Planner(plan, parts).Measure(stop), AdapterNumbers(parts));
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    private double? AdapterNumbers(RunParts parts) => plan.Adapter is null
        ? parts.Model.Sites.Where(static site => site.Role is SiteRole.Attention or SiteRole.FeedForward).Sum(static site => (double)UsualRank * (site.Inputs + site.Outputs))
        : null;

    private static bool IsRealSize(RunPlan plan) =>
        plan.Model.Folders.Select(path => Path.GetFullPath(path, plan.BaseFolder)).Where(Directory.Exists)
            .SelectMany(static folder => Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories)).Sum(static file => new FileInfo(file).Length) >= RealSize;
}
