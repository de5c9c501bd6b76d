using System.Globalization;
using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Ranks;

/// <summary>Which processes of a run exchange something with each other: an undirected, connected graph.</summary>
public sealed class RankGraph
{
    /// <summary>Every process with the next one, the last with the first.</summary>
    public const string Ring = "ring";

    /// <summary>Every process with the next one.</summary>
    public const string Path = "path";

    /// <summary>Every process with every other.</summary>
    public const string Complete = "complete";

    private RankGraph(int world, IReadOnlyList<(int First, int Second)> edges) => (World, Edges) = (world, edges);

    /// <summary>The number of processes.</summary>
    public int World { get; }

    /// <summary>The edges, each once, with its lower end first, in rising order.</summary>
    public IReadOnlyList<(int First, int Second)> Edges { get; }

    /// <summary>Reads a graph.</summary>
    /// <param name="text"><see cref="Ring"/>, <see cref="Path"/>, <see cref="Complete"/>, or edges such as <c>0-1,1-2</c>.</param>
    /// <param name="world">The number of processes.</param>
    /// <param name="place">Where the text stands.</param>
    /// <returns>LA1019 for what is no graph of so many processes, or one that does not connect them.</returns>
    public static Result<RankGraph> Of(string text, int world, SourcePlace? place = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(world, 1);
        Fault Bad(string message) => new Fault.Configuration(FaultCodes.BadGraph, message, place);
        List<(int First, int Second)> edges = [];
        switch (text)
        {
            case Path:
            case Ring:
                for (var rank = 0; rank + 1 < world; rank++) edges.Add((rank, rank + 1));
                if (text == Ring && world > 2) edges.Add((0, world - 1));
                break;
            case Complete:
                for (var rank = 0; rank < world; rank++) edges.AddRange(Enumerable.Range(rank + 1, world - rank - 1).Select(other => (rank, other)));
                break;
            default:
                foreach (var word in text.Split(',', StringSplitOptions.TrimEntries))
                {
                    int[] ends = [.. word.Split('-').Select(static end => int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var rank) ? rank : -1)];
                    if (ends is not [>= 0 and var one, >= 0 and var other]) return Bad($"'{word}' is no edge; expected {Ring}, {Path}, {Complete}, or edges between processes such as 0-1,1-2");
                    if (Math.Max(one, other) >= world) return Bad($"the edge {word} names process {Math.Max(one, other)}, and there are {world}, from 0");
                    if (one == other) return Bad($"the edge {word} joins a process with itself");
                    edges.Add((Math.Min(one, other), Math.Max(one, other)));
                }
                break;
        }
        var graph = new RankGraph(world, [.. edges.Distinct().Order()]);
        return graph.Apart() is { } apart ? Bad($"'{text}' does not connect the {world} processes: nothing leads from process 0 to process {apart}") : graph;
    }

    /// <summary>The edges in one line, the same for the same graph.</summary>
    public override string ToString() => World == 1 ? "one process" : string.Join(",", Edges.Select(static edge => FormattableString.Invariant($"{edge.First}-{edge.Second}")));

    // The first process that no way leads to; null for none.
    private int? Apart()
    {
        HashSet<int> reached = [0];
        for (var before = 0; before != reached.Count;)
        {
            before = reached.Count;
            foreach (var (first, second) in Edges)
            {
                if (reached.Contains(first)) reached.Add(second);
                if (reached.Contains(second)) reached.Add(first);
            }
        }
        return Enumerable.Range(0, World).Where(rank => !reached.Contains(rank)).Select(static rank => (int?)rank).FirstOrDefault();
    }
}
