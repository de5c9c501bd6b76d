using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Tables;

/// <summary>A row of a table: what is trained, in one stage or in several of which each goes on from the export of the one before.</summary>
/// <param name="Name">What it is called, also in names of folders.</param>
/// <param name="Stages">Overrides of each stage.</param>
/// <param name="Tries">Overrides that are tried in the last stage, of which the best is measured; one, of nothing, when there is no choice.</param>
internal sealed record TableRow(string Name, IReadOnlyList<JsonObject> Stages, IReadOnlyList<JsonObject> Tries)
{
    /// <summary>What stands in the place of the export of the stage before.</summary>
    public const string Export = "{export}";
}

/// <summary>
/// Runs that are compared, in <c>bench/tables</c>: rows that train the embedded model in different ways with several seeds. With <c>choose</c>, what a row tries is tried with the first seed, the try with the
/// highest of that reward goes on, and the row's figures are those of the other seeds.
/// </summary>
/// <param name="Name">The file's name without its ending, and the folder of its runs.</param>
/// <param name="Config">The configuration that all runs begin from.</param>
/// <param name="Set">Overrides of all of them.</param>
/// <param name="Seeds">Seeds.</param>
/// <param name="Choose">The reward that chooses; null when nothing is chosen.</param>
/// <param name="Columns">The rewards that the table shows; null for all.</param>
/// <param name="Rows">The rows, in order.</param>
internal sealed record TableFile(string Name, string Config, JsonObject Set, IReadOnlyList<long> Seeds, string? Choose, IReadOnlyList<string>? Columns, IReadOnlyList<TableRow> Rows)
{
    private static readonly string[] s_keys = ["config", "set", "seeds", "choose", "columns", "rows"];
    private static readonly string[] s_rowKeys = ["set", "stages", "try"];
    private static readonly string[] s_lists = ["stages", "try"];

    /// <summary>Where its runs lie.</summary>
    public string Runs { get; init; } = Path.GetFullPath(Path.Combine("runs", "tables", Name));

    /// <summary>The seeds that the figures of a row are of.</summary>
    public IEnumerable<long> Measured => Choose is null ? Seeds : Seeds.Skip(1);

    /// <summary>Reads a file.</summary>
    /// <returns>The table, or the fault that says what is wrong with the file.</returns>
    public static Result<TableFile> Read(string path) => !File.Exists(path)
        ? new Fault.Configuration(FaultCodes.ConfigurationNotFound, "there is no such table (bench/tables)", new(path))
        : JsonSource.Read(path).Bind(Of);

    private static Result<TableFile> Of(JsonSource source)
    {
        var root = source.Root;
        if (Strange(root, s_keys, "", source) is { } strange) return Result.Fail<TableFile>(strange);
        if (root["rows"] is not JsonObject { Count: > 0 } rows) return Wrong("rows by their names were expected", source, "rows");
        if (root["seeds"] is not JsonArray { Count: > 0 } seeds || seeds.Any(static seed => seed is not JsonValue value || !value.TryGetValue<long>(out _))) return Wrong("whole numbers were expected", source, "seeds");
        if (root.FirstOrDefault(static pair => pair.Key is "config" or "choose" && Text(pair.Value) is null) is { Key: { } key }) return Wrong("a text was expected", source, key);
        if (root["set"] is not (null or JsonObject)) return Wrong("an object was expected", source, "set");
        if (root["columns"] is { } columns && (columns is not JsonArray names || names.Any(static name => Text(name) is null))) return Wrong("names of rewards were expected", source, "columns");
        var choose = Text(root["choose"]);
        if (choose is not null && seeds.Count < 2) return Wrong("choosing takes the first seed, and the figures others: two were expected", source, "seeds");
        var read = rows.Select(row => Row(row.Key, row.Value, choose, source)).All();
        return read.Map(all => new TableFile(
            Path.GetFileNameWithoutExtension(source.File),
            Path.GetFullPath(Text(root["config"]) ?? "plugins.json", Path.GetDirectoryName(Path.GetFullPath(source.File))!),
            root["set"] as JsonObject ?? [],
            [.. seeds.Select(static seed => seed!.GetValue<long>())],
            choose,
            (root["columns"] as JsonArray)?.Select(static column => Text(column)!).ToList(),
            all));
    }

    private static Result<TableRow> Row(string name, JsonNode? node, string? choose, JsonSource source)
    {
        var at = JsonSource.Join("rows", name);
        if (node is not JsonObject row) return Result.Fail<TableRow>(Wrong("an object was expected", source, at));
        if (Strange(row, s_rowKeys, at, source) is { } strange) return Result.Fail<TableRow>(strange);
        if (row["set"] is not (null or JsonObject)) return Result.Fail<TableRow>(Wrong("an object was expected", source, JsonSource.Join(at, "set")));
        if (s_lists.FirstOrDefault(key => row[key] is { } list && (list is not JsonArray { Count: > 0 } entries || entries.Any(static entry => entry is not JsonObject))) is { } wrong)
            return Result.Fail<TableRow>(Wrong("a list of objects was expected", source, JsonSource.Join(at, wrong)));
        if (row["set"] is not null && row["stages"] is not null) return Result.Fail<TableRow>(Wrong("'set' is of a row without stages: what it says belongs into each of 'stages'", source, JsonSource.Join(at, "set")));
        var stages = row["stages"] is JsonArray several ? several.OfType<JsonObject>().ToList() : [row["set"] as JsonObject ?? []];
        var tries = (row["try"] as JsonArray ?? [new JsonObject()]).OfType<JsonObject>().ToList();
        return tries.Count > 1 && choose is null ? Result.Fail<TableRow>(Wrong("several are tried, but \"choose\" names no reward", source, at)) : new TableRow(name, stages, tries);
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static Fault.Configuration Wrong(string what, JsonSource source, string key) => new(FaultCodes.WrongType, what, source.Place(key));

    private static Fault? Strange(JsonObject node, string[] known, string at, JsonSource source) => node.Select(static pair => pair.Key).FirstOrDefault(key => !known.Contains(key)) is { } key
        ? new Fault.Configuration(FaultCodes.UnknownKey, $"'{key}' is no key of a table{NearestName.Hint(key, known)}", source.Place(JsonSource.Join(at, key)))
        : null;
}
