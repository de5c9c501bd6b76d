using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>
/// Reads sweep.json: the product of its axes without what is excluded, and the members that are listed behind it (docs/sweeps.md). What the keys of plugins.json mean is checked when members are composed.
/// </summary>
internal static class SweepFile
{
    /// <summary>More than these no file means.</summary>
    public const int MostMembers = 10_000;

    private const string Axes = "axes", Members = "members", Exclude = "exclude", Alone = "base";

    private static readonly JsonObject s_schema = (JsonObject)JsonNode.Parse("""
        {
          "type": "object", "additionalProperties": false,
          "properties": {
            "$schema": { "type": "string" },
            "name": { "type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9._,=+-]*$" },
            "config": { "type": "string", "minLength": 1 },
            "axes": { "type": "object" },
            "members": { "type": "array", "items": { "type": "object" } },
            "exclude": { "type": "array", "items": { "type": "object" } }
          }
        }
        """)!;

    /// <summary>Reads the file.</summary>
    /// <param name="path">Where it is, and its name in faults.</param>
    /// <param name="config">plugins.json, where the command line names it; otherwise the file does.</param>
    /// <param name="set">Overrides of the command line.</param>
    /// <returns>The sweep; LA1016 when its members cannot be made, LA1006 when two are the same, and what a configuration has for text that is none.</returns>
    public static Result<Sweep> Read(string path, string? config = null, IReadOnlyList<string>? set = null)
    {
        if (!File.Exists(path)) return new Fault.Configuration(FaultCodes.ConfigurationNotFound, "there is no such file; it says which runs belong to the sweep (docs/sweeps.md)", new(path));
        return from source in JsonSource.Read(path)
               from sweep in Of(source, config)
               from free in NotCovered([.. sweep.Members.SelectMany(static member => member.Sets)], set ?? [], "sweep")
               select sweep with { Set = set ?? [] };
    }

    /// <summary>The same of a file that was read.</summary>
    public static Result<Sweep> Of(JsonSource source, string? config = null)
    {
        var root = source.Root;
        if (SchemaCheck.First(root, s_schema, "", source) is { } fault) return Result.Fail<Sweep>(fault);
        var name = Text(root, "name") ?? Path.GetFileNameWithoutExtension(source.File);
        var file = config ?? Beside(source.File, Text(root, "config") ?? "plugins.json");
        return from named in Named(name, source)
               from product in Product(root[Axes] as JsonObject ?? [], source)
               from kept in Without(product, root[Exclude] as JsonArray ?? [], source)
               from listed in Entries(root[Members] as JsonArray ?? [], Members, source)
               from members in Numbered([.. kept, .. listed], source)
               select new Sweep(source.File, name, file, members);
    }

    private static Result<Unit> Named(string name, JsonSource source) => Misnamed(name) is { } why ? Bad(why, source.Place("name")) : Unit.Value;

    /// <summary>Why a file of runs cannot give its name to their folder; null where it can.</summary>
    /// <param name="name">What "name" says, or the name of the file.</param>
    public static string? Misnamed(string name) => name.Length > 0 && (char.IsAsciiLetterOrDigit(name[0]) || name[0] == '_') && name.All(static character => char.IsAsciiLetterOrDigit(character) || "._,=+-".Contains(character, StringComparison.Ordinal))
        ? null
        : $"the file's name {Quoted.Words(name)} cannot be that of a folder of runs; \"name\" says another";

    private static Result<IReadOnlyList<IReadOnlyList<SweepSet>>> Product(JsonObject axes, JsonSource source)
    {
        IReadOnlyList<IReadOnlyList<SweepSet>> members = axes.Count == 0 ? [] : [[]];
        foreach (var (key, values) in axes)
        {
            var at = JsonSource.Join(Axes, key);
            if (values is not JsonArray list) return new Fault.Configuration(FaultCodes.WrongType, $"a list of values was expected, not {Shown(values)}", source.Place(at));
            if (list.Count == 0) return BadMembers("the axis has no value, so that the sweep would have no member", source.Place(at));
            if ((long)members.Count * list.Count > MostMembers) return BadMembers($"the product of the axes has more than {MostMembers} members", source.Place(at));
            var sets = list.Select((value, index) => Set(key, value, source.Place(JsonSource.Join(at, index)))).All();
            if (!sets.TryGet(out var axis, out var fault)) return Result.Fail<IReadOnlyList<IReadOnlyList<SweepSet>>>(fault);
            if (axis.GroupBy(static set => set.Json, StringComparer.Ordinal).FirstOrDefault(static same => same.Skip(1).Any()) is { } twice)
                return new Fault.Configuration(FaultCodes.Duplicate, $"the axis has the value {Quoted.Words(twice.Key)} twice", twice.Skip(1).First().Place);
            // The first axis is the outermost.
            members = [.. members.SelectMany(member => axis.Select(IReadOnlyList<SweepSet> (set) => [.. member, set]))];
        }
        return Result.Ok(members);
    }

    private static Result<IReadOnlyList<IReadOnlyList<SweepSet>>> Entries(JsonArray entries, string section, JsonSource source) => entries
        .Select((entry, index) => entry!.AsObject().Select(pair => Set(pair.Key, pair.Value, source.Place(JsonSource.Join(JsonSource.Join(section, index), pair.Key)))).All())
        .All();

    private static Result<SweepSet> Set(string key, JsonNode? value, SourcePlace place)
    {
        if (key.Contains('=', StringComparison.Ordinal)) return Result.Fail<SweepSet>(Bad($"{Quoted.Words(key)} is no path of a key of plugins.json, such as run.seed", place));
        var set = new SweepSet(key, value?.DeepClone(), place);
        return SweepSet.PlacesRuns(set.Path)
            ? Result.Fail<SweepSet>(Bad($"{Quoted.Words(key)} cannot differ between members: the sweep says where each of its runs lies, which is <run.folder>/<name of the sweep>/<name of the member>", place))
            : set;
    }

    private static Result<IReadOnlyList<IReadOnlyList<SweepSet>>> Without(IReadOnlyList<IReadOnlyList<SweepSet>> product, JsonArray excluded, JsonSource source)
    {
        if (!Entries(excluded, Exclude, source).TryGet(out var entries, out var fault)) return Result.Fail<IReadOnlyList<IReadOnlyList<SweepSet>>>(fault);
        var keys = product.SelectMany(static member => member).Select(static set => set.Path).Distinct(StringComparer.Ordinal).ToList();
        foreach (var (entry, index) in entries.Select(static (entry, index) => (entry, index)))
        {
            if (entry.FirstOrDefault(set => !keys.Contains(set.Path, StringComparer.Ordinal)) is { } unknown)
                return new Fault.Configuration(FaultCodes.UnknownKey, $"{Quoted.Words(unknown.Key)} is no axis of the sweep{NearestName.Hint(unknown.Path, keys)}", unknown.Place);
            if (entry.Count == 0 || !product.Any(member => Matches(member, entry)))
                return BadMembers("no member of the product has these values, so that nothing would be left out", source.Place(JsonSource.Join(Exclude, index)));
        }
        return Result.Ok<IReadOnlyList<IReadOnlyList<SweepSet>>>([.. product.Where(member => !entries.Any(entry => Matches(member, entry)))]);
    }

    private static bool Matches(IReadOnlyList<SweepSet> member, IReadOnlyList<SweepSet> entry) =>
        entry.All(asked => member.Any(set => set.Path == asked.Path && JsonNode.DeepEquals(set.Value, asked.Value)));

    private static Result<IReadOnlyList<SweepMember>> Numbered(IReadOnlyList<IReadOnlyList<SweepSet>> members, JsonSource source)
    {
        if (members.Count == 0) return Result.Fail<IReadOnlyList<SweepMember>>(Bad("the sweep has no members; expected lists of values in \"axes\", whose product are the members, or \"members\" one by one", source.Place("")));
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var number = 0; number < members.Count; number++)
        {
            var sets = members[number];
            if (SweepSet.FirstReplaced(sets) is var (replaced, by))
                return Result.Fail<IReadOnlyList<SweepMember>>(Bad($"{Quoted.Words(by.Key)} replaces what {Quoted.Words(replaced.Key)} has set before it; expected it first, or one of them", by.Place));
            var all = string.Join('\n', sets.Select(static set => $"{set.Path}={set.Json}").Order(StringComparer.Ordinal));
            if (!seen.TryAdd(all, number))
                return new Fault.Configuration(FaultCodes.Duplicate, $"members {seen[all]} and {number} are the same: {(sets.Count == 0 ? "plugins.json as it is" : string.Join(", ", sets.Select(static set => set.Text)))}", sets.Count == 0 ? source.Place(Members) : sets[0].Place);
        }
        return Result.Ok<IReadOnlyList<SweepMember>>([.. MemberNames.Of(members, Alone).Select((name, number) => new SweepMember(number, name, members[number]))]);
    }

    /// <summary>Refuses overrides of the command line that runs replace, so that they would do nothing.</summary>
    /// <param name="sets">What the file of the runs sets.</param>
    /// <param name="overrides">Those of the command line.</param>
    /// <param name="what">What the file is of.</param>
    public static Result<Unit> NotCovered(IReadOnlyList<SweepSet> sets, IReadOnlyList<string> overrides, string what)
    {
        foreach (var text in overrides)
        {
            var path = string.Join('.', Override.Segments(text.Split('=', 2)[0]));
            if (SweepSet.PlacesRuns(path) && path != "run.folder") return Misuse.Of($"--set {Quoted.Words(text)}: the {what} names its runs itself");
            if (sets.FirstOrDefault(set => set.Covers(path)) is { } covering) return Misuse.Of($"--set {Quoted.Words(text)} would do nothing: the {what} sets {Quoted.Words(covering.Key)}");
        }
        return Unit.Value;
    }

    private static string? Text(JsonObject root, string key) => root[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    // As a user would write it: relative where the file is.
    private static string Beside(string file, string path) => Path.Combine(Path.GetDirectoryName(file) ?? "", path);

    private static string Shown(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "an object",
        _ => Quoted.Words(node.ToJsonString()),
    };

    private static Fault Bad(string message, SourcePlace place) => new Fault.Configuration(FaultCodes.BadSweep, message, place);

    private static Result<IReadOnlyList<IReadOnlyList<SweepSet>>> BadMembers(string message, SourcePlace place) =>
        Result.Fail<IReadOnlyList<IReadOnlyList<SweepSet>>>(Bad(message, place));
}
