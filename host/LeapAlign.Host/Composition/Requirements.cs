using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>Whether the parts of a run offer each other what they ask for.</summary>
internal static class Requirements
{
    /// <summary>The kind of part that usually provides a capability; null when it is no part, or nobody knows.</summary>
    public static PartKind? UsualProvider(string need) => PartKinds.Table.FirstOrDefault(kind => kind.Capabilities.Contains(need, StringComparer.Ordinal));

    /// <summary>Asks a plan.</summary>
    /// <returns>Everything that a part requires and nothing provides, or LA2007 when a plugin throws on being asked.</returns>
    public static Result<IReadOnlyList<Unmet>> Unmet(RunPlan plan)
    {
        var provided = new Dictionary<PartPlan, IReadOnlyList<string>>(ReferenceEqualityComparer.Instance);
        foreach (var part in plan.Parts)
        {
            if (!Provides(part).TryGet(out var offers, out var fault)) return Result.Fail<IReadOnlyList<Unmet>>(fault);
            provided[part] = offers;
        }
        List<Unmet> unmet = [];
        foreach (var part in plan.Parts)
        {
            if (!Ask(part, "Requires", () => part.Definition.Requires(part.Settings)).TryGet(out var needs, out var fault)) return Result.Fail<IReadOnlyList<Unmet>>(fault);
            unmet.AddRange(needs.Distinct(StringComparer.Ordinal).SelectMany(need => Unmet(plan, part, need, provided)));
        }
        return unmet;
    }

    /// <summary>What a part provides, or LA2007 when its plugin throws.</summary>
    public static Result<IReadOnlyList<string>> Provides(PartPlan part) => Ask(part, "Provides", () => part.Definition.Provides(part.Settings));

    private static IEnumerable<Unmet> Unmet(RunPlan plan, PartPlan part, string need, Dictionary<PartPlan, IReadOnlyList<string>> provided)
    {
        // A gradient that one of the trained rewards stops is not the gradient of their sum, so all of them must have it.
        if (need == Capabilities.DifferentiableReward)
        {
            return plan.Rewards
                .Where(reward => reward.Role == RewardRole.Train && !provided[reward.Part].Contains(need, StringComparer.Ordinal))
                .Select(without => NotMet(part, need, $"which the reward {Name(without.Part)} does not provide", without.Part.Place));
        }
        if (need == Capabilities.Gradient) return [];
        // Those of a teacher are another's.
        if (need is Capabilities.Features or Capabilities.FlowMap)
            return provided[plan.Model].Contains(need, StringComparer.Ordinal) ? [] : [NotMet(part, need, $"which the model {Name(plan.Model)} does not provide", plan.Model.Place)];
        if (provided.Values.Any(offers => offers.Contains(need, StringComparer.Ordinal))) return [];
        if (need == Capabilities.ReferencePolicy)
            return plan.Run.Reference ? [] : [NotMet(part, need, "which the run does not keep: set run.reference to true", part.Place)];
        if (need == Capabilities.Teacher)
            return plan.Teacher is not null ? [] : [NotMet(part, need, "which the run does not have: name a second model in the section teacher", part.Place)];
        if (need == Capabilities.FallenUndone)
            return plan.Guard.Fallen == GuardSettings.Undo ? [] : [NotMet(part, need, $"which the run does not do: set guard.fallen to {GuardSettings.Undo}", part.Place)];
        if (need == Capabilities.GroupedPrompts) return Ungrouped(plan, part);
        var usual = UsualProvider(need) is { } kind && plan.Sections.In(kind.Sections[0].Path) is [var first, ..] ? first : null;
        return usual is null
            ? [NotMet(part, need, "which no part of this run provides", part.Place)]
            : [NotMet(part, need, $"which the {usual.Definition.Kind} {Name(usual)} does not provide", usual.Place)];
    }

    // A held-out reward only sees evaluations, which have groups of their own.
    private static Unmet[] Ungrouped(RunPlan plan, PartPlan part) =>
        plan.IsHeldOut(part)
            ? plan.Evaluation.ImagesPerPrompt > 1 ? [] : [NotMet(part, Capabilities.GroupedPrompts, "which evaluations with one picture for each prompt do not have: set evaluation.imagesPerPrompt above 1", part.Place)]
            : plan.Run.Group > 1 ? [] : [NotMet(part, Capabilities.GroupedPrompts, "which a run with one sample for each prompt does not have: set run.group above 1", part.Place)];

    private static Unmet NotMet(PartPlan part, string need, string who, SourcePlace place) =>
        new(part, need, $"the {part.Definition.Kind} {Name(part)} requires '{need}', {who}", place);

    private static string Name(PartPlan part) => part.Name == part.Definition.Id ? $"'{part.Name}'" : $"'{part.Name}' ({part.Definition.Id})";

    private static Result<IReadOnlyList<string>> Ask(PartPlan part, string step, Func<IReadOnlyList<string>> question)
    {
        var answer = () => Result.Ok(question());
        return part.Plugin is null ? answer() : part.Plugin.Guard($"{step} of the {part.Definition.Kind} '{part.Definition.Id}'", answer);
    }
}

/// <summary>A requirement that nothing meets.</summary>
/// <param name="Part">Who requires.</param>
/// <param name="Need">What.</param>
/// <param name="Message">A sentence that names both sides.</param>
/// <param name="Place">Where plugins.json names the side that does not provide it.</param>
internal sealed record Unmet(PartPlan Part, string Need, string Message, SourcePlace Place);
