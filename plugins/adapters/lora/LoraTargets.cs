using System.Text.RegularExpressions;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Pipeline;
using Quickenshtein;

namespace LeapAlign.Adapters.Lora;

/// <summary>Finds the layers that settings name.</summary>
internal static class LoraTargets
{
    private const int Named = 3;

    private static readonly Dictionary<string, SiteRole> s_roles = new()
    {
        ["attention"] = SiteRole.Attention,
        ["feed-forward"] = SiteRole.FeedForward,
        ["modulation"] = SiteRole.Modulation,
        ["embedding"] = SiteRole.Embedding,
    };

    /// <summary>What settings without targets mean, as far as the model has it: the layers of its blocks that tokens go through.</summary>
    public static IReadOnlyList<AdapterSite> Default(IReadOnlyList<AdapterSite> sites) => [.. sites.Where(static site => site.Role is SiteRole.Attention or SiteRole.FeedForward)];

    /// <summary>The layers that targets name, in the order of the model. Layers that nothing reads are never among them.</summary>
    /// <param name="targets">Roles, and ends of paths.</param>
    /// <param name="sites">The layers of the model.</param>
    /// <param name="part">The part's name, for messages.</param>
    /// <returns>A fault with the nearest names when a target names no layer.</returns>
    public static Result<IReadOnlyList<AdapterSite>> Find(IReadOnlyList<string> targets, IReadOnlyList<AdapterSite> sites, string part)
    {
        HashSet<AdapterSite> found = [];
        foreach (var target in targets)
        {
            var matches = Matcher(target);
            var named = sites.Where(matches).Where(static site => site.Role != SiteRole.Unread).ToList();
            if (named.Count == 0) return Unknown(target, sites, part);
            found.UnionWith(named);
        }
        return Result.Ok<IReadOnlyList<AdapterSite>>([.. sites.Where(found.Contains)]);
    }

    private static Func<AdapterSite, bool> Matcher(string target)
    {
        if (s_roles.TryGetValue(target, out var role)) return site => site.Role == role;
        var expression = new Regex($@"(?:^|\.){Regex.Escape(target).Replace(@"\*", ".*", StringComparison.Ordinal)}$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        return site => expression.IsMatch(site.Name);
    }

    // The ends of paths that have as many parts as the target, so that 'attn.to_qq' is near 'attn.to_q'.
    private static Fault Unknown(string target, IReadOnlyList<AdapterSite> sites, string part)
    {
        var parts = target.Split('.').Length;
        var nearest = sites.Where(static site => site.Role != SiteRole.Unread).Select(site => string.Join('.', site.Name.Split('.').TakeLast(parts)))
            .Concat(s_roles.Where(entry => sites.Any(site => site.Role == entry.Value)).Select(static entry => entry.Key)).Distinct(StringComparer.Ordinal)
            .OrderBy(name => Levenshtein.GetDistance(target, name)).ThenBy(static name => name, StringComparer.Ordinal).Take(Named).ToArray();
        var hint = nearest.Length > 0 ? $"; the nearest names are {string.Join(", ", nearest)}" : ": it offers none";
        return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{part}: the target '{target}' names no layer of the model{hint}");
    }
}
