using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>Makes the plan of a run from plugins.json: everything is checked that can be known without weights or tensors.</summary>
internal sealed class Composer(PluginCatalog catalog)
{
    /// <summary>Composes a run.</summary>
    /// <param name="source">plugins.json with its overrides.</param>
    /// <returns>The plan, or the first thing that is wrong.</returns>
    public Result<RunPlan> Compose(JsonSource source) =>
        from plan in Read(source)
        from unmet in Requirements.Unmet(plan)
        from _ in unmet.Count > 0 ? Result.Fail<Unit>(new Remedy(catalog, source, Read).Of(plan, unmet)) : WholeGroups(plan, source)
        from shared in Shared(plan, source)
        from ____ in ClipsOnce(plan, source)
        from __ in DeviceIsThere(plan, source)
        from ___ in Mark(plan)
        select plan;

    /// <summary>Composes some parts of a run, for what needs no others: what they require of those is not asked, and sections that are not read need not be there.</summary>
    /// <param name="source">plugins.json with its overrides.</param>
    /// <param name="sections">The paths of the sections that are read.</param>
    /// <returns>A plan without the other parts, or the first thing that is wrong.</returns>
    public Result<RunPlan> ComposeParts(JsonSource source, params IReadOnlyList<string> sections) =>
        from parts in Read(source, [.. PartKinds.Sections.Where(section => sections.Contains(section.Path, StringComparer.Ordinal))])
        let plan = Draft(source, parts)
        from _ in DeviceIsThere(plan, source)
        from __ in Mark(plan)
        select plan;

    /// <summary>The plan that a file says, whether its parts fit each other or not.</summary>
    private Result<RunPlan> Read(JsonSource source) =>
        from parts in Read(source, PartKinds.Sections)
        let rewards = parts.In(PartSection.Rewards).Select(RewardPlan.Of).ToList()
        from _ in Trained(rewards, source)
        from checkpoint in Checkpoint(source.Root, rewards, source)
        let plan = Draft(source, parts) with { Checkpoint = checkpoint }
        from placed in RewardPlacement.Check(plan, source)
        from __ in EvaluationForm.Check(plan.Evaluation, source.Place)
        from offers in Requirements.Provides(plan.Optimizer)
        let whole = plan with { Run = plan.Run with { ClipNorm = plan.Run.ClipNorm ?? plan.ClipNorm } }
        select whole with { ResolvedJson = ResolvedConfiguration.Write(whole) };

    private Result<PlannedParts> Read(JsonSource source, IReadOnlyList<PartSection> sections)
    {
        var root = source.Root;
        if (SchemaCheck.First(root, ConfigurationSchema.Structure, "", source) is { } fault) return Result.Fail<PlannedParts>(fault);
        if (Missing(root, source, sections) is { } missing) return Result.Fail<PlannedParts>(missing);
        // All pins before any code: another part of the same plugin, without a pin, would have it loaded.
        if (Pinning.Differing(source, catalog).Select(static pair => pair.Fault).FirstOrDefault() is { } differing) return Result.Fail<PlannedParts>(differing);
        return new PartReader(catalog, source).ReadAll(root, sections);
    }

    private RunPlan Draft(JsonSource source, PlannedParts parts)
    {
        var root = source.Root;
        var guidance = Section(root, "guidance", HostJson.Guidance);
        return new RunPlan
        {
            Sections = parts,
            Run = Section(root, "run", HostJson.Run),
            Evaluation = Section(root, "evaluation", HostJson.Evaluation),
            Export = Section(root, "export", HostJson.Export),
            Guard = Section(root, "guard", HostJson.Guard),
            Sentinel = Section(root, "sentinel", HostJson.Sentinel),
            Telemetry = Section(root, "telemetry", HostJson.Telemetry),
            Guidance = new Guidance(guidance.Scale, guidance.DetachNegative),
            BaseFolder = Path.GetDirectoryName(Path.GetFullPath(source.File))!,
            ResolvedJson = "",
            InstalledRewards = [.. catalog.Plugins.SelectMany(static plugin => plugin.Manifest?.Parts ?? []).Where(static part => part.Kind == PartKinds.Reward).Select(static part => part.Id).Order(StringComparer.Ordinal)],
        };
    }

    private static Fault? Missing(JsonObject root, JsonSource source, IEnumerable<PartSection> sections)
    {
        foreach (var section in sections.Where(static section => section.IsRequired))
        {
            if (section.Find(root) is not null and not JsonArray { Count: 0 }) continue;
            var message = $"the section '{section.Path}' is absent: every run has {(section.IsList ? $"at least one {section.Kind}" : $"one {section.Kind}")}";
            return new Fault.Composition(FaultCodes.MissingPart, message, source.Place(section.Path));
        }
        return null;
    }

    private static Result<Unit> Trained(List<RewardPlan> rewards, JsonSource source) => rewards.Exists(static reward => reward.Role == RewardRole.Train)
        ? Unit.Value
        : new Fault.Composition(FaultCodes.MissingPart, "every reward is heldOut: a run trains on at least one", source.Place(PartSection.Rewards));

    private static Result<CheckpointSettings> Checkpoint(JsonObject root, IReadOnlyList<RewardPlan> rewards, JsonSource source)
    {
        var settings = Section(root, "checkpoint", HostJson.Checkpoint);
        if (settings.Best is not { } best) return settings with { Best = rewards.FirstOrDefault(static reward => reward.Role == RewardRole.HeldOut)?.Part.Name };
        return rewards.Any(reward => reward.Part.Name == best)
            ? settings
            : new Fault.Composition(
                FaultCodes.SettingsDoNotFit,
                $"there is no reward {Quoted.Words(best)}{NearestName.Hint(best, rewards.Select(static reward => reward.Part.Name))}",
                source.Place("checkpoint.best"));
    }

    private static T Section<T>(JsonObject root, string name, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(PartSections.WithoutParts(root[name] as JsonObject ?? [], name), type)!;

    private static Result<Unit> WholeGroups(RunPlan plan, JsonSource source)
    {
        var samples = (long)plan.Run.Batch * plan.Run.Accumulation;
        return samples % plan.Run.Group == 0
            ? Unit.Value
            : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"a step of {samples} samples (batch {plan.Run.Batch} x accumulation {plan.Run.Accumulation}) does not hold whole groups of {plan.Run.Group}", source.Place("run.group"));
    }

    // In one process; how many there will be is not known here.
    private static Result<Unit> Shared(RunPlan plan, JsonSource source) =>
        StepShare.Of(plan.Run, RunRanks.Alone).Match(static _ => Result.Ok(Unit.Value), fault => fault with { Place = source.Place(fault.Place!.Key!) });

    private static Result<Unit> ClipsOnce(RunPlan plan, JsonSource source) => plan is { OwnStepLength: true, Run.ClipNorm: { } limit }
        ? new Fault.Composition(
            FaultCodes.SettingsDoNotFit,
            FormattableString.Invariant($"run.clipNorm is {limit}, but the optimizer '{plan.Optimizer.Name}' chooses the length of its steps whatever the gradient's: leave run.clipNorm out, or null"),
            source.Place("run.clipNorm"))
        : Unit.Value;

    // auto and cpu are always there; asking for CUDA loads libtorch, which a run without it need not do this early.
    private static Result<Unit> DeviceIsThere(RunPlan plan, JsonSource source) =>
        plan.Run.Device.StartsWith("cuda", StringComparison.Ordinal)
            ? DeviceChoice.Resolve(plan.Run.Device, source.Place("run.device")).Map(_ => Unit.Value)
            : Unit.Value;

    private static Result<Unit> Mark(RunPlan plan) => plan.Plugins
        .Where(plugin => plugin.State == PluginState.Configured)
        .Select(plugin => plugin.Compose())
        .All().Map(_ => Unit.Value);
}
