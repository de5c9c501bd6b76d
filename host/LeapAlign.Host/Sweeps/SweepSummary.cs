using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Scored;

namespace LeapAlign.Host.Sweeps;

/// <summary>A member that has run, as its folder tells it.</summary>
/// <param name="Member">The member.</param>
/// <param name="Run">Its run.</param>
internal sealed record SweptRun(SweepMember Member, RecordedRun Run)
{
    /// <summary>The rewards of its last evaluation; null before the first.</summary>
    public IReadOnlyDictionary<string, double>? Rewards => Run.Evaluations is [.., var last] ? last.Rewards : null;

    /// <summary>Network evaluations of single samples, of all its steps.</summary>
    public double Evaluations => Totals.Of(Run) is [.., var all] ? all.Evaluations : 0;

    /// <summary>Whether all its steps are done.</summary>
    public bool IsCompleted => Run.Record?.State == RunState.Completed;
}

/// <summary>A number over the seeds of a group.</summary>
/// <param name="Mean">Its mean.</param>
/// <param name="Deviation">The standard deviation of a sample, with n - 1; null for one seed.</param>
internal sealed record Spread(double Mean, double? Deviation)
{
    /// <summary>Of numbers, one or more. What is not finite makes both so.</summary>
    public static Spread Of(IReadOnlyList<double> values)
    {
        var mean = values.Sum() / values.Count;
        return new(mean, values.Count < 2 ? null : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1)));
    }

    /// <summary>As a person reads it.</summary>
    public override string ToString() => Deviation is { } deviation ? string.Create(CultureInfo.InvariantCulture, $"{Mean:G4} ± {deviation:G2}") : Mean.ToString("G4", CultureInfo.InvariantCulture);
}

/// <summary>Members that differ in <c>run.seed</c> alone, those of them that were evaluated.</summary>
/// <param name="Name">What differs from other groups.</param>
/// <param name="Runs">The members that have run, in order.</param>
/// <param name="Members">The number of members, whether they have run or not.</param>
internal sealed record SeedGroup(string Name, IReadOnlyList<SweptRun> Runs, int Members)
{
    private IReadOnlyList<SweptRun> Evaluated => [.. Runs.Where(static run => run.Rewards is not null)];

    /// <summary>The first and the last step of the evaluations that are compared; null without any.</summary>
    public (int First, int Last)? Steps => Evaluated is { Count: > 0 } some ? (some.Min(static run => run.Run.Evaluations[^1].Step), some.Max(static run => run.Run.Evaluations[^1].Step)) : null;

    /// <summary>A reward of the last evaluation of each; null where one of them does not have it.</summary>
    public Spread? Reward(string name) => Evaluated is { Count: > 0 } some && some.All(run => run.Rewards!.ContainsKey(name)) ? Spread.Of([.. some.Select(run => run.Rewards![name])]) : null;

    /// <summary>A reward of the last preview of a name of each; null where one of them does not have it.</summary>
    public Spread? Preview(string name, string reward)
    {
        var last = Evaluated.Select(run => run.Run.Previews.LastOrDefault(line => line.Preview == name)).ToList();
        return last.Count > 0 && last.All(line => line?.Rewards.ContainsKey(reward) == true) ? Spread.Of([.. last.Select(line => line!.Rewards[reward])]) : null;
    }

    /// <summary>Network evaluations of single samples of each; null without a run.</summary>
    public Spread? Evaluations => Runs.Count == 0 ? null : Spread.Of([.. Runs.Select(static run => run.Evaluations)]);
}

/// <summary>A sweep in numbers: a row for each group of seeds (docs/sweeps.md). Every number is in metrics.jsonl, or is a sum, mean or deviation of such numbers.</summary>
/// <param name="Sweep">The sweep.</param>
/// <param name="Runs">The members that have run, in order.</param>
/// <param name="Groups">The groups, in the order of their first members.</param>
/// <param name="Rewards">The rewards of all runs and their roles, in order.</param>
internal sealed record SweepSummary(Sweep Sweep, IReadOnlyList<SweptRun> Runs, IReadOnlyList<SeedGroup> Groups, IReadOnlyList<(string Name, string Role)> Rewards)
{
    private const string All = "all";

    /// <summary>The rewards of previews of all runs, in order.</summary>
    public IReadOnlyList<(string Preview, string Reward)> Previews { get; } =
        [.. Runs.SelectMany(static run => run.Run.Previews).SelectMany(static line => line.Rewards.Keys.Select(reward => (line.Preview, reward))).Distinct()];

    /// <summary>The columns of the table.</summary>
    public IReadOnlyList<string> Columns => ["group", "runs", "step", .. Rewards.Select(static reward => reward.Role == RewardEntry.Watched ? $"{reward.Name} (held out)" : reward.Name), .. Previews.Select(Title), "F"];

    /// <summary>Groups the members that have run.</summary>
    public static SweepSummary Of(Sweep sweep, IReadOnlyList<SweptRun> runs)
    {
        var groups = sweep.Members
            .Select(static member => (Member: member, Sets: (IReadOnlyList<SweepSet>)[.. member.Sets.Where(static set => set.Path != SweepSet.Seed)]))
            .GroupBy(static pair => string.Join('\n', pair.Sets.Select(static set => set.Text).Order(StringComparer.Ordinal)), StringComparer.Ordinal)
            .Select(static group => (group.First().Sets, Numbers: (IReadOnlyList<int>)[.. group.Select(static pair => pair.Member.Number)]))
            .ToList();
        var names = MemberNames.Of([.. groups.Select(static group => group.Sets)], All);
        return new SweepSummary(
            sweep,
            runs,
            [.. groups.Select((group, index) => new SeedGroup(names[index], [.. runs.Where(run => group.Numbers.Contains(run.Member.Number))], group.Numbers.Count))],
            [.. runs.SelectMany(static run => Roles(run.Run.Settings)).DistinctBy(static reward => reward.Name, StringComparer.Ordinal)]);
    }

    /// <summary>The cells of a group, under <see cref="Columns"/>.</summary>
    public IReadOnlyList<string> Cells(SeedGroup group) =>
    [
        group.Name,
        string.Create(CultureInfo.InvariantCulture, $"{group.Runs.Count}/{group.Members}"),
        group.Steps is not var (first, last) ? "" : first == last ? Whole(first) : $"{Whole(first)}-{Whole(last)}",
        .. Rewards.Select(reward => group.Reward(reward.Name)?.ToString() ?? ""),
        .. Previews.Select(preview => group.Preview(preview.Preview, preview.Reward)?.ToString() ?? ""),
        group.Evaluations?.ToString() ?? "",
    ];

    /// <summary>Groups as comma-separated values with a header. Numbers are the shortest that are read back to the last bit.</summary>
    public string ToCsv()
    {
        var table = new StringBuilder();
        Append(["group", "members", "runs", "completed", "first step", "last step", .. Rewards.SelectMany(static reward => Pair(reward.Name)).Select(ScoreSheet.Cell), .. Previews.SelectMany(static preview => Pair(Title(preview))).Select(ScoreSheet.Cell), .. Pair("evaluations")]);
        foreach (var group in Groups)
        {
            Append([
                ScoreSheet.Cell(group.Name), Whole(group.Members), Whole(group.Runs.Count), Whole(group.Runs.Count(static run => run.IsCompleted)),
                group.Steps is { } steps ? Whole(steps.First) : "", group.Steps is { } range ? Whole(range.Last) : "",
                .. Rewards.SelectMany(reward => Numbers(group.Reward(reward.Name))), .. Previews.SelectMany(preview => Numbers(group.Preview(preview.Preview, preview.Reward))), .. Numbers(group.Evaluations),
            ]);
        }
        return table.ToString();

        void Append(IEnumerable<string> cells) => table.AppendJoin(',', cells).Append('\n');
        static string[] Pair(string name) => [$"{name} mean", $"{name} deviation"];
        static string[] Numbers(Spread? spread) => [spread is null ? "" : Exact(spread.Mean), spread?.Deviation is { } deviation ? Exact(deviation) : ""];
    }

    /// <summary>Members and groups as JSON. A number that is not finite is a word, as in metrics.jsonl.</summary>
    public string ToJson()
    {
        var root = new JsonObject
        {
            ["sweep"] = Sweep.Name,
            ["rewards"] = new JsonArray([.. Rewards.Select(static reward => new JsonObject { ["name"] = reward.Name, ["role"] = reward.Role })]),
            ["groups"] = new JsonArray([.. Groups.Select(Node)]),
            ["members"] = new JsonArray([.. Sweep.Members.Select(Node)]),
        };
        return ResolvedConfiguration.Text(root);
    }

    private JsonNode Node(SeedGroup group) => new JsonObject
    {
        ["name"] = group.Name,
        ["members"] = group.Members,
        ["runs"] = new JsonArray([.. group.Runs.Select(static run => JsonValue.Create(run.Member.Number))]),
        ["completed"] = group.Runs.Count(static run => run.IsCompleted),
        ["firstStep"] = group.Steps?.First,
        ["lastStep"] = group.Steps?.Last,
        ["rewards"] = new JsonObject(Rewards.Select(reward => KeyValuePair.Create(reward.Name, Node(group.Reward(reward.Name))))),
        ["previews"] = new JsonObject(Previews.GroupBy(static preview => preview.Preview).Select(rewards => KeyValuePair.Create(
            rewards.Key, (JsonNode?)new JsonObject(rewards.Select(preview => KeyValuePair.Create(preview.Reward, Node(group.Preview(preview.Preview, preview.Reward)))))))),
        ["evaluations"] = Node(group.Evaluations),
    };

    private JsonNode Node(SweepMember member)
    {
        var node = new JsonObject
        {
            ["number"] = member.Number,
            ["name"] = member.Name,
            ["set"] = new JsonObject(member.Sets.Select(static set => KeyValuePair.Create(set.Key, set.Value?.DeepClone()))),
        };
        if (Runs.FirstOrDefault(run => run.Member.Number == member.Number) is not { } run) return node;
        node["state"] = run.Run.Record?.State.ToString();
        node["steps"] = run.Run.Done;
        node["evaluations"] = Number(run.Evaluations);
        node["rewards"] = run.Rewards is { } rewards ? new JsonObject(rewards.Select(static reward => KeyValuePair.Create(reward.Key, Number(reward.Value)))) : null;
        return node;
    }

    private static string Title((string Preview, string Reward) preview) => $"{preview.Reward}, preview {preview.Preview}";

    private static JsonNode? Node(Spread? spread) => spread is null ? null : new JsonObject { ["mean"] = Number(spread.Mean), ["deviation"] = spread.Deviation is { } deviation ? Number(deviation) : null };

    /// <summary>A number of JSON; one that is not finite is a word, as in metrics.jsonl.</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create(Exact(value));

    private static IEnumerable<(string Name, string Role)> Roles(JsonObject settings) => (settings[PartSection.Rewards] as JsonArray ?? []).OfType<JsonObject>()
        .Select(static reward => (Text(reward, "name"), Text(reward, "role")));

    private static string Text(JsonObject node, string key) => node[key] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static string Whole(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The shortest text that is read back to the last bit.</summary>
    public static string Exact(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
