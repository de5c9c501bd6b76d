using LeapAlign.Contracts.Adapters;
using Quickenshtein;

namespace LeapAlign.Adapters.Files;

/// <summary>The layers of a model that factors can belong to, found by the names of a file.</summary>
internal sealed class LoraLayers
{
    private readonly Dictionary<string, AdapterSite> _sites;
    private readonly Dictionary<string, AdapterSite> _underscored;

    /// <summary>Takes the layers of a model.</summary>
    public LoraLayers(IReadOnlyList<AdapterSite> sites)
    {
        _sites = sites.ToDictionary(static site => site.Name, StringComparer.Ordinal);
        // Names that are the same with underscores would be ambiguous; no model has any.
        _underscored = _sites.Values.GroupBy(static site => site.Name.Replace('.', '_'), StringComparer.Ordinal).Where(static group => group.Count() == 1)
            .ToDictionary(static group => group.Key, static group => group.Single(), StringComparer.Ordinal);
    }

    /// <summary>The layers that a name of a file stands for, in the order of their rows; null when the model has not all of them.</summary>
    public (IReadOnlyList<AdapterSite> Sites, bool HalvesSwap)? Find(LoraSpelling spelling, string module)
    {
        if (spelling == LoraSpelling.Underscored) return _underscored.TryGetValue(module, out var underscored) ? ([underscored], false) : null;
        if (_sites.TryGetValue(module, out var site)) return ([site], false);
        if (spelling != LoraSpelling.Original) return null;
        foreach (var original in OriginalNames.Find(module))
        {
            var sites = original.Modules.Select(name => _sites.GetValueOrDefault(name)).OfType<AdapterSite>().ToArray();
            if (sites.Length == original.Modules.Count) return (sites, original.HalvesSwap);
        }
        return null;
    }

    /// <summary>The layer whose name is most like that of a key; null when the model has none.</summary>
    public string? Nearest(string module)
    {
        var wanted = OriginalNames.Find(module) is [{ Modules: [var first, ..] }, ..] ? first : module;
        return _sites.Keys.OrderBy(name => Levenshtein.GetDistance(wanted, name)).ThenBy(static name => name, StringComparer.Ordinal).FirstOrDefault();
    }
}
