using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Planning;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Planning;

/// <summary>A plan of steps, and what it was made with.</summary>
/// <param name="Step">The plan.</param>
/// <param name="AdapterNumbers">The numbers that an adapter of the default rank would train; null where one is trained already.</param>
internal sealed record Draft(StepPlan Step, double? AdapterNumbers);

/// <summary>Whether a run fits into the memory of this machine: asked by <c>plan</c>, and by <c>train</c> before anything of a run is written.</summary>
internal static class RunFit
{
    // Below this nothing that a run does comes near the memory of a machine, and a plan would take longer than what it plans.
    private const long RealSize = 1L << 30;

    // The default rank of adapters.
    private const int UsualRank = 64;

    /// <summary>Makes the parts of a plan, plans their steps, and disposes them.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="site">Where parts are made.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>Without pieces of work where what is trained alone takes more than there is: then it is not made.</returns>
    public static Result<Draft> Of(RunPlan plan, RunSite site, CancellationToken stop) => TooMuch(plan, site).Bind(draft => draft is not null
        ? Result.Ok(draft)
        : RunParts.Create(plan, site.Context).Bind(parts =>
        {
            using (parts) return parts.Check(plan).Bind(_ => Measured(plan, parts, stop));
        }));

    /// <summary>Refuses a run whose trained weights alone would take more memory than there is, before they are made.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="site">Where parts are made.</param>
    public static Result<Unit> Begin(RunPlan plan, RunSite site) => IsAsked(plan)
        ? TooMuch(plan, site).Bind(draft => draft is null ? Unit.Value : Fits(plan, draft))
        : Unit.Value;

    /// <summary>Plans a run whose parts are made, and refuses one that does not fit.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="parts">Its parts.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>Null where nobody asked for a plan.</returns>
    public static Result<StepPlan?> Check(RunPlan plan, RunParts parts, CancellationToken stop) => IsAsked(plan)
        ? Measured(plan, parts, stop).Bind(draft => Fits(plan, draft).Map(_ => (StepPlan?)draft.Step))
        : Result.Ok<StepPlan?>(null);

    /// <summary>Refuses what does not fit.</summary>
    /// <returns><see cref="FaultCodes.OutOfMemory"/>, with settings that would make it fit.</returns>
    public static Result<Unit> Fits(RunPlan plan, Draft draft)
    {
        var room = SystemMemory.Room;
        if (draft.Step.Bytes <= room) return Unit.Value;
        var largest = draft.Step.Memory.MaxBy(static term => term.Bytes)!;
        var proposals = Proposals.Of(plan, draft.Step, static step => step.Bytes, room, draft.AdapterNumbers);
        var advice = proposals.Count > 0 && proposals[^1].After.Bytes <= room ? $"; it would fit with {string.Join(' ', proposals.SelectMany(static proposal => proposal.Settings).Select(static setting => $"--set {setting}"))}" : "";
        return new Fault.Run(
            FaultCodes.OutOfMemory,
            $"the run needs about {Gibibytes(draft.Step.Bytes)}, {Gibibytes(largest.Bytes)} of it for {largest.Name}, but there are {Gibibytes(room)}{advice}; 'leapalign plan' says more, and run.plan=never begins all the same");
    }

    /// <summary>Bytes for people.</summary>
    public static string Gibibytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1L << 30):0.00} GiB");

    private static bool IsAsked(RunPlan plan) => plan.Run.Plan == RunSettings.PlanAlways || (plan.Run.Plan == RunSettings.PlanAuto && IsRealSize(plan));

    // A frozen model costs nothing that matters, and knows how many numbers would be trained.
    private static Result<Draft?> TooMuch(RunPlan plan, RunSite site)
    {
        if (plan.Adapter is not null || !IsRealSize(plan)) return Result.Ok<Draft?>(null);
        site.IsFrozen = true;
        var draft = RunParts.Create(plan, site.Context).Map(parts =>
        {
            using (parts)
            {
                if (parts.Model is not IPlannedModel model) return null;
                var state = new Planner(plan, parts).State(model.TrainableNumbers);
                return state.Bytes > SystemMemory.Room ? new Draft(state, AdapterNumbers(plan, parts)) : null;
            }
        });
        site.IsFrozen = false;
        return draft;
    }

    private static Result<Draft> Measured(RunPlan plan, RunParts parts, CancellationToken stop)
    {
        try
        {
            return new Draft(new Planner(plan, parts).Measure(stop), AdapterNumbers(plan, parts));
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    private static double? AdapterNumbers(RunPlan plan, RunParts parts) => plan.Adapter is null
        ? parts.Model.Sites.Where(static site => site.Role is SiteRole.Attention or SiteRole.FeedForward).Sum(static site => (double)UsualRank * (site.Inputs + site.Outputs))
        : null;

    private static bool IsRealSize(RunPlan plan)
    {
        var settings = JsonNode.Parse(plan.Model.Definition.WriteSettings(plan.Model.Settings));
        var folders = PathSettings.Of(plan.Model.Definition).Where(static setting => setting.IsFolder).Select(setting => setting.In(settings)).OfType<string>().Select(path => Path.GetFullPath(path, plan.BaseFolder));
        return folders.Where(Directory.Exists).SelectMany(static folder => Directory.EnumerateFiles(folder, "*.safetensors", SearchOption.AllDirectories)).Sum(static file => new FileInfo(file).Length) >= RealSize;
    }
}
