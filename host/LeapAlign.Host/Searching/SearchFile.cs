using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Searching;

/// <summary>A setting that is searched.</summary>
/// <param name="Key">Its path, as <c>--set</c> takes it.</param>
/// <param name="From">The lowest value.</param>
/// <param name="To">The highest.</param>
/// <param name="Start">Where the search begins.</param>
/// <param name="IsLogarithmic">Whether equal steps are equal factors.</param>
/// <param name="Place">Where the file says it.</param>
internal sealed record SearchedSetting(string Key, double From, double To, double Start, bool IsLogarithmic, SourcePlace Place)
{
    private const int Digits = 6;

    /// <summary>The value at a place in [0, 1], with so many digits as a person writes.</summary>
    public double At(double place)
    {
        var value = IsLogarithmic ? From * Math.Pow(To / From, place) : From + ((To - From) * place);
        return Math.Clamp(double.Parse(value.ToString($"G{Digits}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), From, To);
    }

    /// <summary>The place of a value.</summary>
    public double Of(double value) => IsLogarithmic ? Math.Log(value / From) / Math.Log(To / From) : (value - From) / (To - From);
}

/// <summary>A search over few settings of a run.</summary>
/// <param name="File">The file that says so, as the user named it.</param>
/// <param name="Name">The name of the folder that holds the folders of its runs.</param>
/// <param name="Config">plugins.json, which they change.</param>
/// <param name="Reward">The reward of an evaluation that is to be as high as it can.</param>
/// <param name="Settings">What is searched.</param>
internal sealed record SettingSearch(string File, string Name, string Config, string Reward, IReadOnlyList<SearchedSetting> Settings)
{
    /// <summary>Overrides of the command line, of all trials.</summary>
    public IReadOnlyList<string> Set { get; init; } = [];

    /// <summary>What every trial sets.</summary>
    public IReadOnlyList<SweepSet> Fixed { get; init; } = [];

    /// <summary>Rewards that may not be below a number.</summary>
    public IReadOnlyDictionary<string, double> Floors { get; init; } = new Dictionary<string, double>();

    /// <summary>Whether the first evaluation counts, of a run that has learnt nothing, and not the last.</summary>
    public bool AtStart { get; init; }

    /// <summary>How far it goes, in the unit cube.</summary>
    public required SearchForm Form { get; init; }

    /// <summary>The seed of its draws.</summary>
    public long Seed { get; init; }

    /// <summary>Where it begins, in the unit cube.</summary>
    public double[] Start => [.. Settings.Select(static setting => setting.Of(setting.Start))];

    /// <summary>The ends of each setting, and a place between them that is no round number, with the other settings where they begin: what cannot be there cannot be searched.</summary>
    public IEnumerable<double[]> Foreseen => Start.SelectMany((_, index) => new[] { 0, 1, 0.6180339887 }.Select(place => Start.Select((start, other) => other == index ? place : start).ToArray()));

    /// <summary>The sweep of one member that a trial is.</summary>
    /// <param name="trial">The trial.</param>
    public Sweep Of(SearchTrial trial) => new(File, Name, Config, [new SweepMember(0, NameOf(trial.Number), [.. Fixed, .. Settings.Zip(trial.Point, static (setting, place) => new SweepSet(setting.Key, JsonValue.Create(setting.At(place)), setting.Place))])]) { Set = Set };

    /// <summary>The folder of a trial.</summary>
    public static string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"trial-{number:0000}");
}

/// <summary>Reads search.json (docs/search.md). What the keys of plugins.json mean is checked when a trial is composed.</summary>
internal static class SearchFile
{
    /// <summary>The most settings that are searched: beyond them, directions of a basis are more than anybody tries.</summary>
    public const int MostSettings = 20;

    private static readonly JsonObject s_schema = (JsonObject)JsonNode.Parse("""
        {
          "type": "object", "additionalProperties": false, "required": ["reward", "settings"],
          "properties": {
            "$schema": { "type": "string" },
            "name": { "type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9._,=+-]*$" },
            "config": { "type": "string", "minLength": 1 },
            "reward": { "type": "string", "minLength": 1 },
            "evaluation": { "type": "string", "enum": ["first", "last"] },
            "floors": { "type": "object", "additionalProperties": { "type": "number" } },
            "settings": {
              "type": "object",
              "additionalProperties": {
                "type": "object", "additionalProperties": false, "required": ["from", "to"],
                "properties": { "from": { "type": "number" }, "to": { "type": "number" }, "start": { "type": "number" }, "scale": { "type": "string", "enum": ["linear", "log"] } }
              }
            },
            "set": { "type": "object" },
            "trials": { "type": "integer", "minimum": 1, "maximum": 10000 },
            "radius": { "type": "number", "minimum": 0.000001, "maximum": 1 },
            "smallest": { "type": "number", "minimum": 0.000001, "maximum": 1 },
            "seed": { "type": "integer" }
          }
        }
        """)!;

    /// <summary>Reads the file.</summary>
    /// <param name="path">Where it is, and its name in faults.</param>
    /// <param name="config">plugins.json, where the command line names it; otherwise the file does.</param>
    /// <param name="set">Overrides of the command line.</param>
    /// <returns>The search; LA1024 when there is nothing to search, or bounds that hold nothing, and what a configuration has for text that is none.</returns>
    public static Result<SettingSearch> Read(string path, string? config = null, IReadOnlyList<string>? set = null)
    {
        if (!File.Exists(path)) return new Fault.Configuration(FaultCodes.ConfigurationNotFound, "there is no such file; it says which settings are searched (docs/search.md)", new(path));
        return from source in JsonSource.Read(path)
               from search in Of(source, config)
               from free in SweepFile.NotCovered([.. search.Fixed, .. search.Settings.Select(static setting => new SweepSet(setting.Key, null, setting.Place))], set ?? [], "search")
               select search with { Set = set ?? [] };
    }

    /// <summary>The same of a file that was read.</summary>
    public static Result<SettingSearch> Of(JsonSource source, string? config = null)
    {
        var root = source.Root;
        if (SchemaCheck.First(root, s_schema, "", source) is { } fault) return Result.Fail<SettingSearch>(fault);
        var name = Text(root, "name") ?? Path.GetFileNameWithoutExtension(source.File);
        if (SweepFile.Misnamed(name) is { } misnamed) return Bad(misnamed, source.Place("name"));
        var settings = root["settings"]!.AsObject();
        if (settings.Count is 0 or > MostSettings) return Bad($"{settings.Count} settings are to be searched; expected 1 to {MostSettings}", source.Place("settings"));
        var fixedSets = (root["set"] as JsonObject ?? []).Select(pair => new SweepSet(pair.Key, pair.Value?.DeepClone(), source.Place(JsonSource.Join("set", pair.Key)))).ToList();
        return from read in settings.Select(pair => Setting(pair.Key, pair.Value!.AsObject(), source)).All()
               from free in Apart(read, fixedSets)
               select new SettingSearch(
                   source.File,
                   name,
                   config ?? Path.Combine(Path.GetDirectoryName(source.File) ?? "", Text(root, "config") ?? "plugins.json"),
                   Text(root, "reward")!,
                   read)
               {
                   Fixed = fixedSets,
                   Floors = (root["floors"] as JsonObject ?? []).ToDictionary(static floor => floor.Key, static floor => Number(floor.Value), StringComparer.Ordinal),
                   AtStart = Text(root, "evaluation") == "first",
                   Seed = root["seed"] is { } seed ? (long)Number(seed) : 0,
                   Form = new SearchForm
                   {
                       Trials = root["trials"] is { } trials ? (int)Number(trials) : 40,
                       Radius = root["radius"] is { } radius ? Number(radius) : 0.25,
                       Smallest = root["smallest"] is { } smallest ? Number(smallest) : 0.01,
                       Within = static point => [.. point.Select(static place => Math.Clamp(place, 0, 1))],
                   },
               };
    }

    private static Result<SearchedSetting> Setting(string key, JsonObject says, JsonSource source)
    {
        var place = source.Place(JsonSource.Join("settings", key));
        double from = Number(says["from"]), to = Number(says["to"]), start = says["start"] is { } begins ? Number(begins) : double.NaN;
        var logarithmic = Text(says, "scale") == "log";
        if (!(from < to)) return Wrong(string.Create(CultureInfo.InvariantCulture, $"{Quoted.Words(key)} goes from {from} to {to}; expected a lower number first"));
        if (logarithmic && from <= 0) return Wrong(string.Create(CultureInfo.InvariantCulture, $"{Quoted.Words(key)} goes from {from} on a logarithmic scale; expected a number above 0"));
        if (start < from || start > to) return Wrong(string.Create(CultureInfo.InvariantCulture, $"{Quoted.Words(key)} begins at {start}, outside {from} to {to}"));
        var setting = new SearchedSetting(key, from, to, from, logarithmic, place);
        return setting with { Start = double.IsNaN(start) ? setting.At(0.5) : start };

        Result<SearchedSetting> Wrong(string message) => new Fault.Configuration(FaultCodes.BadSearch, message, place);
    }

    // Where runs lie the search says; and a key that replaces another would leave that without effect.
    private static Result<Unit> Apart(IReadOnlyList<SearchedSetting> settings, List<SweepSet> fixedSets)
    {
        List<SweepSet> all = [.. fixedSets, .. settings.Select(static setting => new SweepSet(setting.Key, null, setting.Place))];
        if (all.FirstOrDefault(static set => SweepSet.PlacesRuns(set.Path)) is { } own)
            return Bad<Unit>($"{Quoted.Words(own.Key)} cannot be set: the search says where each of its runs lies, which is <run.folder>/<name of the search>/trial-<number>", own.Place);
        return SweepSet.FirstReplaced(all) is var (replaced, by)
            ? Bad<Unit>($"{Quoted.Words(by.Key)} replaces what {Quoted.Words(replaced.Key)} has set before it; expected one of them", by.Place)
            : Unit.Value;
    }

    private static string? Text(JsonObject root, string key) => root[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static double Number(JsonNode? node) => node!.AsValue().TryGetValue(out double number) ? number : node.AsValue().GetValue<long>();

    private static Result<SettingSearch> Bad(string message, SourcePlace place) => Bad<SettingSearch>(message, place);

    private static Result<T> Bad<T>(string message, SourcePlace place) => new Fault.Configuration(FaultCodes.BadSearch, message, place);
}
