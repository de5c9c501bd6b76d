using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Scored;

/// <summary>The rewards that a command line asks for: names of plugins.json, and entries such as stand there.</summary>
/// <param name="asked">What was given, in order; none asks for all of plugins.json.</param>
internal sealed class ChosenRewards(IReadOnlyList<string> asked)
{
    /// <summary>The option, which is the place of its faults.</summary>
    public const string Option = "--reward";

    // What each asks for: an entry has a place in the list, a name is looked for.
    private readonly List<(string Word, int? Index)> _chosen = [];

    /// <summary>Adds the entries to the rewards of plugins.json.</summary>
    public Result<JsonSource> AddTo(JsonSource source)
    {
        foreach (var word in asked)
        {
            if (!word.TrimStart().StartsWith('{'))
            {
                _chosen.Add((word, null));
                continue;
            }
            if (!JsonSource.Parse(Option, Encoding.UTF8.GetBytes(word)).TryGet(out var entry, out var fault)) return Result.Fail<JsonSource>(fault);
            source.Root[PartSection.Rewards] ??= new JsonArray();
            // What is no list is refused when it is composed.
            if (source.Root[PartSection.Rewards] is not JsonArray list) continue;
            _chosen.Add((word, list.Count));
            source.Move(JsonSource.Join(PartSection.Rewards, list.Count), Option);
            list.Add(entry.Root.DeepClone());
        }
        return source;
    }

    /// <summary>The same plan with these rewards alone, in their order.</summary>
    public Result<RunPlan> Of(RunPlan plan)
    {
        var all = plan.Sections.In(PartSection.Rewards);
        if (_chosen.Count == 0) return plan;
        return Result.All(_chosen.Select(chosen => Find(all, chosen))).Map(parts => plan with { Sections = plan.Sections.With(PartSection.Rewards, parts.Distinct()) });
    }

    private static Result<PartPlan> Find(IReadOnlyList<PartPlan> all, (string Word, int? Index) chosen)
    {
        if (chosen.Index is { } index) return all[index];
        return all.FirstOrDefault(part => part.Name == chosen.Word) is { } named
            ? named
            : new Fault.Configuration(FaultCodes.BadOption, $"there is no reward {Quoted.Words(chosen.Word)} in plugins.json{NearestName.Hint(chosen.Word, all.Select(static part => part.Name))}", new SourcePlace(Option));
    }
}
