using System.Text.Json;
using System.Text.RegularExpressions;
using LeapAlign.Networks.Configuration;

namespace LeapAlign.Adapters.Files;

/// <summary>Regular expressions that somebody else wrote: they are compiled once, and one that takes too long matches nothing.</summary>
internal static class LoraExpression
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>Compiles an expression; what is not one is a fault of the field that has it.</summary>
    public static Regex Compile(ConfigFields fields, string key, string expression)
    {
        try
        {
            return new Regex(expression, RegexOptions.CultureInvariant, s_patience);
        }
        catch (ArgumentException malformed)
        {
            fields.Require(false, key, $"has '{expression}', which is not a regular expression ({malformed.Message})");
            return new Regex("(?!)");
        }
    }
}

/// <summary>Numbers by layer: those of the first expression that matches the end of the layer's path, from its start or after a dot; otherwise one for all.</summary>
internal sealed class LoraPatterns
{
    private readonly IReadOnlyList<(Regex Expression, double Number)> _patterns;
    private readonly double _other;

    private LoraPatterns(IReadOnlyList<(Regex Expression, double Number)> patterns, double other) => (_patterns, _other) = (patterns, other);

    /// <summary>Reads a field that holds numbers by expression.</summary>
    /// <param name="fields">The configuration.</param>
    /// <param name="key">Its name.</param>
    /// <param name="other">The number of layers that none of them matches.</param>
    public static LoraPatterns Read(ConfigFields fields, string key, double other)
    {
        if (fields.Find(key) is not { } element) return new LoraPatterns([], other);
        var right = element.ValueKind == JsonValueKind.Object && element.EnumerateObject().All(entry => IsNumber(entry.Value, areRanks: key == "rank_pattern"));
        fields.Require(right, key, $"is {element.GetRawText()}, but has to be an object of numbers by layer");
        return new LoraPatterns(right ? [.. element.EnumerateObject().Select(entry => (LoraExpression.Compile(fields, key, $@"^(?:.*\.)?(?:{entry.Name})$"), entry.Value.GetDouble()))] : [], other);
    }

    /// <summary>The number of a layer.</summary>
    public double Of(string module)
    {
        foreach (var (expression, number) in _patterns)
        {
            if (expression.IsMatch(module)) return number;
        }
        return _other;
    }

    private static bool IsNumber(JsonElement element, bool areRanks) =>
        element.ValueKind == JsonValueKind.Number && (areRanks ? element.TryGetInt32(out var rank) && rank >= 1 : element.TryGetDouble(out var alpha) && double.IsFinite(alpha) && alpha != 0);
}

/// <summary>The layers that PEFT puts factors on: <c>target_modules</c> without <c>exclude_modules</c>, in the blocks of <c>layers_to_transform</c>.</summary>
internal sealed class LoraTargets
{
    private const string Every = "all-linear";
    private readonly Func<string, bool> _isTarget;
    private readonly Func<string, bool> _isExcluded;
    private readonly IReadOnlyList<int> _indices;
    private readonly IReadOnlyList<Regex> _layers;

    private LoraTargets(Func<string, bool> isTarget, Func<string, bool> isExcluded, IReadOnlyList<int> indices, IReadOnlyList<Regex> layers) =>
        (_isTarget, _isExcluded, _indices, _layers) = (isTarget, isExcluded, indices, layers);

    /// <summary>Reads the four fields.</summary>
    /// <param name="fields">The configuration.</param>
    /// <param name="hasEffect">Whether they count; diffusers goes by the tensors of the file.</param>
    public static LoraTargets Read(ConfigFields fields, bool hasEffect)
    {
        var target = Names(fields, "target_modules", isExpressionWhole: true);
        var excluded = Names(fields, "exclude_modules", isExpressionWhole: false);
        var indices = Indices(fields);
        var (patterns, _) = Words(fields, "layers_pattern");
        // Without names, the first number of the path counts that is neither its first part nor its last.
        IReadOnlyList<string> names = patterns is { Count: > 0 } ? [.. patterns.Select(static name => $@"^(?:|.*?\.){name}\.(?<index>\d+)\.")] : [@"^.*?\.[^.]*\.(?<index>\d+)\."];
        var layers = names.Select(name => LoraExpression.Compile(fields, "layers_pattern", name)).ToArray();
        if (!hasEffect) return new LoraTargets(static _ => true, static _ => false, [], []);
        fields.Require(target is not null, "target_modules", "is missing: PEFT has no default for these models");
        fields.Require(!Words(fields, "target_modules").IsOne || !fields.Has("layers_to_transform"), "layers_to_transform", "is there, but target_modules is one expression: PEFT refuses the two together");
        fields.Require(patterns is null || patterns.Count == 0 || fields.Has("layers_to_transform"), "layers_pattern", "is there, but layers_to_transform is not: PEFT refuses one without the other");
        return new LoraTargets(target ?? (static _ => false), excluded ?? (static _ => false), indices, layers);
    }

    /// <summary>Whether a layer gets factors.</summary>
    public bool Includes(string module) => !_isExcluded(module) && _isTarget(module) && (_indices.Count == 0 || IndexOf(module) is { } index && _indices.Contains(index));

    private int? IndexOf(string module)
    {
        var found = _layers.Select(layer => layer.Match(module)).FirstOrDefault(static match => match.Success);
        return found is not null && int.TryParse(found.Groups["index"].Value, out var index) ? index : null;
    }

    private static Func<string, bool>? Names(ConfigFields fields, string key, bool isExpressionWhole)
    {
        var (words, isOne) = Words(fields, key);
        if (words is null || words.Count == 0) return null;
        if (!isOne) return module => words.Any(word => module == word || module.EndsWith($".{word}", StringComparison.Ordinal));
        if (isExpressionWhole && string.Equals(words[0], Every, StringComparison.OrdinalIgnoreCase)) return static _ => true;
        var expression = LoraExpression.Compile(fields, key, $"^(?:{words[0]})$");
        return expression.IsMatch;
    }

    private static (IReadOnlyList<string>? Words, bool IsOne) Words(ConfigFields fields, string key)
    {
        if (fields.Find(key) is not { } element) return (null, false);
        if (element.ValueKind == JsonValueKind.String) return ([element.GetString()!], true);
        var right = element.ValueKind == JsonValueKind.Array && element.EnumerateArray().All(static word => word.ValueKind == JsonValueKind.String);
        fields.Require(right, key, $"is {element.GetRawText()}, but has to be a word or a list of words");
        return (right ? [.. element.EnumerateArray().Select(static word => word.GetString()!)] : [], false);
    }

    private static IReadOnlyList<int> Indices(ConfigFields fields)
    {
        const string key = "layers_to_transform";
        if (fields.Find(key) is not { } element) return [];
        JsonElement[] entries = element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray()] : [element];
        var right = entries.All(static entry => entry.ValueKind == JsonValueKind.Number && entry.TryGetInt32(out _));
        fields.Require(right, key, $"is {element.GetRawText()}, but has to be an index or a list of indices");
        return right ? [.. entries.Select(static entry => entry.GetInt32())] : [];
    }
}
