using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Adapters.Files;

/// <summary>Sorts the tensors of a file into the factors of layers. Names and shapes are compared before a tensor is read, so that nothing is half-read.</summary>
internal static class LoraContent
{
    private const int NamedKeys = 10;
    private const int NamedLayers = 3;

    /// <summary>Finds the layers of all tensors.</summary>
    /// <returns>The factors, in the order of the file; a fault when a tensor is no factor of a layer, or one of a pair is absent.</returns>
    public static Result<IReadOnlyList<LoraModule>> Sort(SafetensorsFile file, LoraScales scales, LoraLayers layers)
    {
        Dictionary<(LoraSpelling Spelling, string Module), LoraModule> modules = [];
        List<(string Key, string Module)> unmatched = [];
        HashSet<string> adapters = new(StringComparer.Ordinal);
        foreach (var key in file.Entries.Keys)
        {
            if (LoraKey.Refused(key) is { } what)
                return new Fault.Input(FaultCodes.UnsupportedAdapter, $"tensor '{key}' is {what}, which is not supported: the file has to hold LoRA factors of the transformer's linear layers alone", new SourcePlace(file.Location, Key: key));
            var parsed = LoraKey.Parse(key);
            if (parsed is null || layers.Find(parsed.Spelling, parsed.Module) is not { } found)
            {
                unmatched.Add((key, parsed?.Module ?? key));
                continue;
            }
            adapters.Add(parsed.Adapter ?? "");
            if (!modules.TryGetValue((parsed.Spelling, parsed.Module), out var module))
                modules.Add((parsed.Spelling, parsed.Module), module = new LoraModule(parsed, found.Sites, found.HalvesSwap));
            if (!module.Keys.TryAdd(parsed.Part, key)) return Mismatch(file, key, $"tensor '{key}' and tensor '{module.Keys[parsed.Part]}' are the same factor");
        }
        if (unmatched.Count > 0) return Unmatched(file, unmatched, layers);
        if (modules.Count == 0) return Mismatch(file, null, "the file holds no LoRA factors");
        if (adapters.Count(static name => name.Length > 0) > 1)
            return Mismatch(file, null, $"the file holds factors of several adapters ({string.Join(", ", adapters.Where(static name => name.Length > 0).Order(StringComparer.Ordinal))}), but has to hold those of one");
        if (Twice(file, modules.Values) is { } twice) return twice;
        var fault = modules.Values.Select(module => module.Check(file, scales)).FirstOrDefault(static fault => fault is not null)
            ?? SomeWithAlpha(file, modules.Values);
        return fault is not null ? fault : Result.Ok<IReadOnlyList<LoraModule>>([.. modules.Values]);
    }

    private static Fault Unmatched(SafetensorsFile file, List<(string Key, string Module)> unmatched, LoraLayers layers)
    {
        var keys = string.Join(", ", unmatched.Take(NamedKeys).Select(static entry => $"'{entry.Key}'"));
        var others = unmatched.Count > NamedKeys ? $" (and {unmatched.Count - NamedKeys} more)" : "";
        var nearest = unmatched.Take(NamedKeys).Select(entry => layers.Nearest(entry.Module)).OfType<string>().Distinct(StringComparer.Ordinal).Take(NamedLayers).ToArray();
        var hint = nearest.Length > 0 ? $"; the nearest layers are {string.Join(", ", nearest)}" : "";
        return Mismatch(file, unmatched[0].Key, $"{(unmatched.Count == 1 ? "a tensor belongs" : $"{unmatched.Count} tensors belong")} to no layer of this model{hint}: {keys}{others}");
    }

    // Two spellings of one layer in a file.
    private static Fault? Twice(SafetensorsFile file, IEnumerable<LoraModule> modules)
    {
        Dictionary<string, LoraModule> known = new(StringComparer.Ordinal);
        foreach (var (module, site) in modules.SelectMany(static module => module.Sites.Select(site => (module, site.Name))))
        {
            if (!known.TryAdd(site, module)) return Mismatch(file, module.AnyKey, $"tensors '{known[site].AnyKey}' and '{module.AnyKey}' both belong to layer '{site}'");
        }
        return null;
    }

    // diffusers takes the alpha of one layer for those that have none; kohya takes the rank.
    private static Fault? SomeWithAlpha(SafetensorsFile file, IEnumerable<LoraModule> modules)
    {
        var ofDiffusers = modules.Where(static module => module.Spelling == LoraSpelling.Diffusers && !module.HasKohyaParts).ToArray();
        var without = ofDiffusers.FirstOrDefault(static module => !module.Keys.ContainsKey(LoraPart.Alpha));
        var with = ofDiffusers.FirstOrDefault(static module => module.Keys.ContainsKey(LoraPart.Alpha));
        return with is null || without is null
            ? null
            : new Fault.Input(FaultCodes.UnsupportedAdapter, $"'{with.Keys[LoraPart.Alpha]}' is there, but '{without.AnyKey}' has no alpha: what it is scaled by is not certain", new SourcePlace(file.Location, Key: without.AnyKey));
    }

    private static Fault Mismatch(SafetensorsFile file, string? key, string message) => new Fault.Input(FaultCodes.TensorMismatch, message, new SourcePlace(file.Location, Key: key));
}
