using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;

namespace LeapAlign.Contracts.Solvers;

/// <summary>A gradient of one node, or an exchange of two.</summary>
/// <param name="Time">When.</param>
/// <param name="First">The node, or the lower end of the edge.</param>
/// <param name="Second">The other end; null for a gradient.</param>
public readonly record struct DadaoEvent(double Time, int First, int? Second)
{
    /// <summary>Whether a node takes part.</summary>
    public bool Concerns(int node) => First == node || Second == node;
}

/// <summary>
/// The events of DADAO. Its clocks are independent Poisson processes; together they are one, whose events fall to nodes and edges by their rates. Each event is a function of its number alone, so that all nodes have the same
/// list without telling each other, and go on anywhere in it.
/// </summary>
/// <param name="random">The key of the list.</param>
/// <param name="graph">Nodes and edges.</param>
/// <param name="gossipRate">The rate of exchanges, over all edges; each node takes gradients at rate 1.</param>
public sealed class DadaoEvents(RandomKey random, RankGraph graph, double gossipRate)
{
    /// <summary>Events in a time of 1, in the mean.</summary>
    public double Rate => graph.World + gossipRate;

    /// <summary>An event.</summary>
    /// <param name="number">Its number, from 0.</param>
    /// <param name="before">The time of the event before it; 0 before the first.</param>
    public DadaoEvent At(long number, double before)
    {
        var draws = random.For("event", number).Open();
        var time = before - (Math.Log(1 - draws.NextDouble()) / Rate);
        if (draws.NextDouble() * Rate < graph.World) return new(time, draws.NextInt(0, graph.World), null);
        var (first, second) = graph.Edges[draws.NextInt(0, graph.Edges.Count)];
        return new(time, first, second);
    }
}
