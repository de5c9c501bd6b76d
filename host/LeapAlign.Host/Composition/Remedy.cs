using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>
/// One fault for everything that a composition lacks, with lines that mend all of it: parts of installed plugins that provide what is required, settings of the
/// run, and sizes that the algorithm can work with. The lines have been composed before they are shown.
/// </summary>
/// <param name="catalog">The installed plugins.</param>
/// <param name="source">plugins.json with its overrides.</param>
/// <param name="read">Makes a plan of a file, whether its parts fit or not.</param>
internal sealed class Remedy(PluginCatalog catalog, JsonSource source, Func<JsonSource, Result<RunPlan>> read)
{
    private static readonly JsonSerializerOptions s_written = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _root = source.Root.DeepClone().AsObject();
    private readonly List<(string Key, JsonNode Value)> _changes = [];
    private readonly List<string> _blanks = [];

    /// <summary>The fault of a plan.</summary>
    /// <param name="plan">What was composed.</param>
    /// <param name="unmet">What it lacks, at least one.</param>
    public Fault Of(RunPlan plan, IReadOnlyList<Unmet> unmet)
    {
        List<string> problems = [.. unmet.Select(static each => each.Message)];
        var mended = true;
        foreach (var kind in unmet.GroupBy(static each => each.Need == Capabilities.DifferentiableReward ? PartKinds.Reward : Requirements.UsualProvider(each.Need) ?? ""))
            mended &= kind.Key.Length > 0 ? Exchange(plan, kind.Key, [.. kind], problems) : kind.All(each => Settle(plan, each, problems));
        if (mended && Changed().TryGet(out var changed, out _)) mended = Size(changed, unmet, problems) && Changed().TryGet(out changed, out _) && Fits(changed);
        else mended = false;
        return new Fault.Composition(FaultCodes.RequirementNotMet, problems.Count == 1 ? problems[0] : Sentence(problems), unmet[0].Place) { Advice = mended ? Lines(unmet) : [] };
    }

    private static string Sentence(List<string> problems) =>
        $"{problems.Count} things do not fit: {string.Join("; ", problems.Select(static (problem, index) => $"({index + 1}) {problem}"))}";

    private static bool Fits(RunPlan plan) =>
        Requirements.Unmet(plan).Match(static unmet => unmet.Count == 0, static _ => false) && (long)plan.Run.Batch * plan.Run.Accumulation % plan.Run.Group == 0;

    // Rewards that stop a gradient are watched instead, unless nothing else is trained; of any other kind, another part is taken.
    private bool Exchange(RunPlan plan, string kind, IReadOnlyList<Unmet> unmet, List<string> problems)
    {
        var needs = unmet.Select(static each => each.Need).Distinct(StringComparer.Ordinal).ToArray();
        if (kind != PartKinds.Reward) return Exchange(kind, ConfigurationSchema.SectionOf(kind), needs, problems, unmet);
        var without = unmet.Select(static each => each.Place.Key!).Distinct(StringComparer.Ordinal).ToArray();
        var trained = plan.Rewards.Where(static reward => reward.Role == RewardRole.Train).Select(static reward => reward.Part.Place.Key!);
        if (!trained.Except(without, StringComparer.Ordinal).Any()) return Exchange(kind, without[0], needs, problems, unmet) && without[1..].All(HoldOut);
        return without.All(HoldOut);
    }

    private bool HoldOut(string key)
    {
        var index = int.Parse(key["rewards[".Length..^1], System.Globalization.CultureInfo.InvariantCulture);
        if (_root["rewards"]![index] is not JsonObject) _root["rewards"]![index] = new JsonObject { ["id"] = _root["rewards"]![index]!.DeepClone() };
        _root["rewards"]![index]!["role"] = "heldOut";
        _changes.Add(($"rewards.{index}.role", "heldOut"));
        return true;
    }

    private bool Exchange(string kind, string key, string[] needs, List<string> problems, IReadOnlyList<Unmet> unmet)
    {
        var index = kind == PartKinds.Reward ? int.Parse(key["rewards[".Length..^1], System.Globalization.CultureInfo.InvariantCulture) : -1;
        var entry = index < 0 ? _root[key] : _root["rewards"]![index];
        var fitting = new FittingParts(catalog, source).Of(kind, needs, entry, key);
        foreach (var each in unmet)
        {
            var at = problems.IndexOf(each.Message);
            problems[at] += fitting.Count == 0 ? $", nor does any installed {kind}" : $" ({string.Join(", ", fitting.Select(static part => $"'{part.Id}'"))} {(fitting.Count == 1 ? "does" : "do")})";
        }
        if (fitting.Count == 0) return false;
        var chosen = fitting.OrderBy(static part => part.Blanks.Count).First();
        _blanks.AddRange(chosen.Blanks);
        if (index < 0) _root[key] = chosen.Entry;
        else _root["rewards"]![index] = chosen.Entry;
        _changes.Add((index < 0 ? key : $"rewards.{index}", chosen.Entry));
        return true;
    }

    // What a run has or has not, and capabilities of plugins' own, which any part may provide.
    private bool Settle(RunPlan plan, Unmet unmet, List<string> problems)
    {
        switch (unmet.Need)
        {
            case Capabilities.ReferencePolicy:
                Set("run", "reference", true);
                return true;
            case Capabilities.GroupedPrompts:
                if (plan.IsHeldOut(unmet.Part)) Set("evaluation", "imagesPerPrompt", 2);
                return true;
            default:
                string[] kinds = [PartKinds.Sampler, PartKinds.Prompts, PartKinds.Model, PartKinds.Optimizer];
                var kind = kinds.FirstOrDefault(kind => new FittingParts(catalog, source).Of(kind, [unmet.Need], _root[ConfigurationSchema.SectionOf(kind)], kind).Count > 0);
                return kind is not null && Exchange(kind, ConfigurationSchema.SectionOf(kind), [unmet.Need], problems, [unmet]);
        }
    }

    private bool Size(RunPlan changed, IReadOnlyList<Unmet> unmet, List<string> problems)
    {
        var sizes = new FittingSizes(changed, unmet.Any(each => each.Need == Capabilities.GroupedPrompts && !changed.IsHeldOut(each.Part)));
        if (sizes.Refusal is { } refusal) problems.Add(refusal);
        if (sizes.Found is not { } found) return false;
        if (found.Batch != changed.Run.Batch) Set("run", "batch", found.Batch);
        if (found.Accumulation != changed.Run.Accumulation) Set("run", "accumulation", found.Accumulation);
        if (found.Group != changed.Run.Group) Set("run", "group", found.Group);
        return true;
    }

    private void Set(string section, string key, JsonNode value)
    {
        if (_changes.Any(change => change.Key == $"{section}.{key}")) return;
        if (_root[section] is not JsonObject) _root[section] = new JsonObject();
        _root[section]![key] = value.DeepClone();
        _changes.Add(($"{section}.{key}", value));
    }

    private Result<RunPlan> Changed() => JsonSource.Parse(source.File, Encoding.UTF8.GetBytes(_root.ToJsonString())).Bind(read);

    private List<string> Lines(IReadOnlyList<Unmet> unmet)
    {
        List<string> lines = [$"to mend it on the command line: {string.Join(' ', _changes.Select(static change => $"--set {Shell($"{change.Key}={Text(change.Value)}")}"))}", "or with these keys in plugins.json, each in the place of one that is there:"];
        // An algorithm that --set names is not the file's yet.
        var sections = unmet.Where(static each => each.Part.Definition.Kind == PartKinds.Algorithm).Select(static _ => "algorithm").Concat(_changes.Select(static change => change.Key.Split('.')[0]));
        lines.AddRange(sections.Distinct(StringComparer.Ordinal).Select(section => $"  \"{section}\": {_root[section]!.ToJsonString(s_written)},"));
        if (_blanks.Count > 0) lines.Add($"with your own in the place of {string.Join(" and ", _blanks.Distinct(StringComparer.Ordinal))}");
        return lines;
    }

    private static string Text(JsonNode value) => value is JsonValue word && word.TryGetValue(out string? text) ? text : value.ToJsonString(s_written);

    private static string Shell(string word) => word.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '=' or '-' or '_' or '/') ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
