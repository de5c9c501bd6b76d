using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
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
        foreach (var provider in unmet.GroupBy(static each => Requirements.UsualProvider(each.Need)?.Sections[0]))
            mended &= provider.Key is { } section ? Exchange(plan, section, [.. provider], problems) : provider.All(each => Settle(plan, each, problems));
        if (mended && Changed().TryGet(out var changed, out _)) mended = Size(changed, unmet, problems) && Changed().TryGet(out changed, out _) && Fits(changed);
        else mended = false;
        return new Fault.Composition(FaultCodes.RequirementNotMet, problems.Count == 1 ? problems[0] : Sentence(problems), unmet[0].Place) { Advice = mended ? Lines(unmet) : [] };
    }

    private static string Sentence(List<string> problems) =>
        $"{problems.Count} things do not fit: {string.Join("; ", problems.Select(static (problem, index) => $"({index + 1}) {problem}"))}";

    private static bool Fits(RunPlan plan) =>
        Requirements.Unmet(plan).Match(static unmet => unmet.Count == 0, static _ => false) && (long)plan.Run.Batch * plan.Run.Accumulation % plan.Run.Group == 0;

    // Rewards that stop a gradient are watched instead, unless nothing else is trained; of any other kind, another part is taken.
    private bool Exchange(RunPlan plan, PartSection section, IReadOnlyList<Unmet> unmet, List<string> problems)
    {
        var needs = unmet.Select(static each => each.Need).Distinct(StringComparer.Ordinal).ToArray();
        if (section.Path != PartSection.Rewards) return Exchange(section, section.Path, needs, problems, unmet);
        var without = unmet.Select(static each => each.Place.Key!).Distinct(StringComparer.Ordinal).ToArray();
        var trained = plan.Rewards.Where(static reward => reward.Role == RewardRole.Train).Select(static reward => reward.Part.Place.Key!);
        if (!trained.Except(without, StringComparer.Ordinal).Any()) return Exchange(section, without[0], needs, problems, unmet) && without[1..].All(key => HoldOut(section, key));
        return without.All(key => HoldOut(section, key));
    }

    private bool HoldOut(PartSection section, string key)
    {
        var (list, index) = (section.Find(_root)!, section.Index(key)!.Value);
        if (list[index] is not JsonObject) list[index] = new JsonObject { ["id"] = list[index]!.DeepClone() };
        list[index]!["role"] = RewardEntry.Watched;
        _changes.Add(($"{section.Path}.{index}.role", RewardEntry.Watched));
        return true;
    }

    private bool Exchange(PartSection section, string key, string[] needs, List<string> problems, IReadOnlyList<Unmet> unmet)
    {
        var index = section.Index(key);
        var found = section.Find(_root);
        var fitting = new FittingParts(catalog, source).Of(section, needs, index is { } at ? found![at] : found, key);
        foreach (var each in unmet)
        {
            problems[problems.IndexOf(each.Message)] += fitting.Count == 0 ? $", nor does any installed {section.Kind}" : $" ({string.Join(", ", fitting.Select(static part => $"'{part.Id}'"))} {(fitting.Count == 1 ? "does" : "do")})";
        }
        if (fitting.Count == 0) return false;
        var chosen = fitting.OrderBy(static part => part.Blanks.Count).First();
        _blanks.AddRange(chosen.Blanks);
        if (index is { } place) found![place] = chosen.Entry;
        else section.Set(_root, chosen.Entry);
        _changes.Add((index is { } entry ? $"{section.Path}.{entry}" : section.Path, chosen.Entry));
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
            case Capabilities.FlowMap:
                AskForFlowMap();
                return true;
            case Capabilities.Teacher:
                AskForTeacher();
                return true;
            case Capabilities.FallenUndone:
                Set("guard", "fallen", GuardSettings.Undo);
                return true;
            case Capabilities.GroupedPrompts:
                if (plan.IsHeldOut(unmet.Part)) Set("evaluation", "imagesPerPrompt", 2);
                return true;
            default:
                // Any other part that stands alone may provide it; the algorithm is what the user chose.
                var section = PartKinds.Table
                    .Where(kind => kind.Name != PartKinds.Algorithm && kind.Name != unmet.Part.Definition.Kind)
                    .Select(static kind => kind.Sections[0])
                    .FirstOrDefault(section => !section.IsList && new FittingParts(catalog, source).Of(section, [unmet.Need], section.Find(_root), section.Path).Count > 0);
                return section is not null && Exchange(section, section.Path, [unmet.Need], problems, [unmet]);
        }
    }

    // Which second model is meant nobody else knows; the run's own has the latents that it must have, and shows the form.
    private void AskForTeacher()
    {
        if (_changes.Any(static change => change.Key == PartSection.Teacher)) return;
        _root[PartSection.Teacher] = _root[PartKinds.Model]!.DeepClone();
        _changes.Add((PartSection.Teacher, _root[PartSection.Teacher]!.DeepClone()));
    }

    // A model becomes one by its settings. One that has no such setting is not composed, and nothing is advised then.
    private void AskForFlowMap()
    {
        if (_changes.Any(static change => change.Key == "model.settings.flowMap")) return;
        if (_root["model"] is not JsonObject) _root["model"] = new JsonObject { ["id"] = _root["model"]!.DeepClone() };
        if (_root["model"]!["settings"] is not JsonObject) _root["model"]!["settings"] = new JsonObject();
        _root["model"]!["settings"]!["flowMap"] = true;
        _changes.Add(("model.settings.flowMap", true));
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
        // An algorithm or objective that --set names is not the file's yet.
        var sections = unmet.Select(static each => each.Part.Definition.Kind).Where(static kind => kind is PartKinds.Algorithm or PartKinds.Objective).Select(static kind => PartKinds.Of(kind).Sections[0].Path).Concat(_changes.Select(static change => change.Key.Split('.')[0]));
        lines.AddRange(sections.Distinct(StringComparer.Ordinal).Select(section => $"  \"{section}\": {_root[section]!.ToJsonString(s_written)},"));
        if (_blanks.Count > 0) lines.Add($"with your own in the place of {string.Join(" and ", _blanks.Distinct(StringComparer.Ordinal))}");
        return lines;
    }

    private static string Text(JsonNode value) => value is JsonValue word && word.TryGetValue(out string? text) ? text : value.ToJsonString(s_written);

    private static string Shell(string word) => word.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '=' or '-' or '_' or '/') ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
