using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Solvers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>DADAO against numbers of the reference program, and on problems whose minimum is known.</summary>
public sealed class DadaoTests
{
    private const double Digits = 5e-10;
    private static readonly double[] s_targets = [1, 2, 6];

    [Fact]
    public void A_path_of_three_has_the_published_constants()
    {
        var rates = DadaoRates.Of(Graph("path", 3), 1, 1);
        Assert.Equal(2, rates.GossipRate, Digits);
        // c₁ = 2 = χ₁ · rate, and c₂ = rate² / 2c₁ = 1.
        Assert.Equal(1, rates.Connectivity, Digits);
        var ring = DadaoRates.Of(Graph("ring", 8), 1, 1);
        Assert.Equal(8 / (2 - Math.Sqrt(2)), ring.Connectivity * ring.GossipRate, 1e-9);
    }

    [Theory]
    [InlineData(1, 1, 0.3)]
    [InlineData(70, 1, 2.5)]
    [InlineData(1e5, 1, 40)]
    [InlineData(3, 0.01, 0)]
    public void The_flow_is_the_exponential_of_libtorch(double smooth, double strong, double time)
    {
        using var scope = NewDisposeScope();
        var rates = DadaoRates.Of(Graph("path", 3), smooth, strong);
        var (alpha, theta) = (rates.Alpha, rates.Theta);
        var generator = tensor(new[,]
        {
            { -rates.Eta, rates.Eta, 0, 0, 0, 0 },
            { rates.Eta, -rates.Eta, 0, 0, 0, 0 },
            { 0, 0, -alpha, alpha, 0, 0 },
            { 0, -theta * rates.Nu, -theta, 0, -theta, 0 },
            { 0, 0, 0, 0, -alpha, alpha },
            { 0, 0, 0, 0, rates.AlphaTilde, -rates.AlphaTilde },
        });
        var flow = new double[36];
        new DadaoFlow(rates).After(time, flow);
        Assert.All((generator * time).matrix_exp().data<double>().ToArray().Zip(flow), static pair => Assert.Equal(pair.First, pair.Second, 1e-11 * Math.Max(1, Math.Abs(pair.First))));
    }

    [Fact]
    public void What_the_flow_leaves_out_is_below_the_last_bit()
    {
        // The longest time that is taken without halving, where the series is left off soonest; half of it, twice, is nearer.
        var rates = DadaoRates.Of(Graph("path", 3), 1, 1);
        var time = 0.5 / (rates.Theta * (rates.Nu + 2));
        var (whole, half) = (new double[36], new double[36]);
        new DadaoFlow(rates).After(time, whole);
        new DadaoFlow(rates).After(time / 2, half);
        for (var row = 0; row < 6; row++)
        {
            for (var column = 0; column < 6; column++) Assert.Equal(Enumerable.Range(0, 6).Sum(inner => half[(row * 6) + inner] * half[(inner * 6) + column]), whole[(row * 6) + column], 1e-15);
        }
    }

    [Fact]
    public void A_list_of_events_leads_where_the_reference_came()
    {
        var nodes = Nodes(DadaoRates.Of(Graph("path", 3), 1, 1), 3, 1);
        Descend(nodes, 0, 0.1);
        Descend(nodes, 1, 0.3);
        var before = Sums(nodes);
        Exchange(nodes, 0, 1, 0.4);
        Near([0.252674333, 0.501814497, 0], nodes.Select(static node => node.Point[0]));
        Near(before, Sums(nodes));
        Descend(nodes, 2, 0.6);
        Exchange(nodes, 1, 2, 0.9);
        Near([0.252674333, 0.510421067, 1.516045999], nodes.Select(static node => node.Point[0]));
        Descend(nodes, 0, 1.0);
        Near([0.166560567, 0.510421067, 1.516045999], nodes.Select(static node => node.Point[0]));
        Near([0.054804060, -0.375753470, 0.320590246], nodes.Select(static node => node.ZTilde[0]));
    }

    [Fact]
    public void An_exchange_moves_as_much_to_one_node_as_from_the_other()
    {
        var nodes = Nodes(DadaoRates.Of(Graph("complete", 4), 5, 0.1), 4, 3);
        var random = RandomKey.OfRun(1).Open();
        for (var node = 0; node < 4; node++) nodes[node].Load([.. Enumerable.Range(0, 18).Select(_ => random.NextNormal())], 2);
        // Drifting changes sums; at one time it does not.
        foreach (var node in nodes) node.Show(2.5);
        var before = Sums(nodes);
        foreach (var (first, second) in Graph("complete", 4).Edges) Exchange(nodes, first, second, 2.5);
        Assert.All(before.Zip(Sums(nodes)), static pair => Assert.Equal(pair.First, pair.Second, 1e-10));
        Assert.True(nodes.Select(static node => node.Z[0]).Distinct().Count() == 4);
    }

    [Fact]
    public void Ridge_regressions_on_a_ring_agree_on_that_of_all_rows()
    {
        const int count = 8, size = 5;
        using var scope = NewDisposeScope();
        const double mu = 0.2;
        var problems = Enumerable.Range(0, count).Select(node =>
        {
            var key = RandomKey.OfRun(0).For("node", node);
            var inputs = (key.For("inputs").Normal([40, size], CPU) + key.For("shift").Normal([1, size], CPU)).to(float64);
            var targets = inputs.matmul(RandomKey.OfRun(0).For("weights").Normal([size], CPU).to(float64)) + (key.For("noise").Normal([40], CPU).to(float64) * 0.5) + key.For("offset").Normal([1], CPU).to(float64);
            return (Gram: inputs.t().matmul(inputs) / 40, Moments: inputs.t().matmul(targets) / 40);
        }).ToArray();
        var smooth = problems.Max(static problem => linalg.eigvalsh(problem.Gram)[^1].item<double>()) + mu;
        var star = linalg.solve(stack(problems.Select(static problem => problem.Gram)).mean([0]) + (eye(size, dtype: float64) * mu), stack(problems.Select(static problem => problem.Moments)).mean([0])).data<double>().ToArray();
        var flat = problems.Select(static problem => (Gram: problem.Gram.data<double>().ToArray(), Moments: problem.Moments.data<double>().ToArray())).ToArray();
        var graph = Graph("ring", count);
        var rates = DadaoRates.Of(graph, smooth, mu);
        Assert.InRange(smooth / mu, 30, 120);
        var (nodes, events) = (Nodes(rates, count, size), new DadaoEvents(RandomKey.OfRun(2), graph, rates.GossipRate));
        double Distance() => nodes.Average(node => Enumerable.Range(0, size).Sum(i => Math.Pow(node.Point[i] - star[i], 2)));
        var (time, gradients, exchanges) = (0.0, 0, 0);
        for (long number = 0; time < 500; number++)
        {
            var next = events.At(number, time);
            time = next.Time;
            if (next.Second is { } second)
            {
                Exchange(nodes, next.First, second, time);
                exchanges++;
                continue;
            }
            gradients++;
            var (gram, moments) = flat[next.First];
            nodes[next.First].Descend(time, (point, gradient) =>
            {
                for (var i = 0; i < size; i++)
                {
                    gradient[i] = (mu * point[i]) - moments[i];
                    for (var j = 0; j < size; j++) gradient[i] += gram[(i * size) + j] * point[j];
                }
            });
        }
        Assert.True(Distance() < 1e-4, $"{Distance()}");
        // The clocks run at their rates: five standard deviations.
        Assert.Equal(500.0 * count, gradients, 5 * Math.Sqrt(500.0 * count));
        Assert.Equal(500.0 * rates.GossipRate, exchanges, 5 * Math.Sqrt(500.0 * rates.GossipRate));
    }

    [Fact]
    public void A_node_goes_on_from_its_state_to_the_bit()
    {
        var rates = DadaoRates.Of(Graph("path", 3), 3, 0.5);
        var whole = Nodes(rates, 3, 1);
        var events = new DadaoEvents(RandomKey.OfRun(4), Graph("path", 3), rates.GossipRate);
        var time = 0.0;
        DadaoNode[] halves = whole;
        for (var number = 0; number < 200; number++)
        {
            var next = events.At(number, time);
            time = next.Time;
            Apply(whole, next);
            if (number > 100) Apply(halves, next);
            if (number != 100) continue;
            halves = Nodes(rates, 3, 1);
            for (var node = 0; node < 3; node++) halves[node].Load(whole[node].Save(), whole[node].Time);
        }
        Assert.Equal(whole.SelectMany(static node => node.Save()), halves.SelectMany(static node => node.Save()));
    }

    [Fact]
    public void Events_are_functions_of_their_numbers()
    {
        var graph = Graph("0-1,1-2,0-3", 4);
        var (one, other) = (new DadaoEvents(RandomKey.OfRun(1), graph, 2), new DadaoEvents(RandomKey.OfRun(1), graph, 2));
        Assert.Equal(one.At(7, 1.5), other.At(7, 1.5));
        Assert.NotEqual(one.At(7, 0).First + one.At(7, 0).Time, one.At(8, 0).First + one.At(8, 0).Time);
        Assert.NotEqual(one.At(7, 0).Time, new DadaoEvents(RandomKey.OfRun(2), graph, 2).At(7, 0).Time);
        var drawn = Enumerable.Range(0, 4000).Select(number => one.At(number, 0)).ToArray();
        Assert.Equal(1.0 / 6, drawn.Average(static each => each.Time), 0.015);
        Assert.Equal(graph.Edges, drawn.Where(static each => each.Second is not null).Select(static each => (each.First, each.Second!.Value)).Distinct().Order());
        Assert.Equal([0, 1, 2, 3], drawn.Where(static each => each.Second is null).Select(static each => each.First).Distinct().Order());
    }

    [Theory]
    [InlineData("ring", 1, "one process")]
    [InlineData("ring", 2, "0-1")]
    [InlineData("ring", 4, "0-1,0-3,1-2,2-3")]
    [InlineData("path", 3, "0-1,1-2")]
    [InlineData("complete", 3, "0-1,0-2,1-2")]
    [InlineData("2-1, 0-2,1-2", 3, "0-2,1-2")]
    public void Graphs_are_read(string text, int world, string edges) => Assert.Equal(edges, Graph(text, world).ToString());

    [Theory]
    [InlineData("0-1,2-3", 4, "'0-1,2-3' does not connect the 4 processes: nothing leads from process 0 to process 2")]
    [InlineData("0-1", 3, "nothing leads from process 0 to process 2")]
    [InlineData("0-3", 3, "the edge 0-3 names process 3, and there are 3, from 0")]
    [InlineData("1-1", 2, "the edge 1-1 joins a process with itself")]
    [InlineData("star", 3, "'star' is no edge; expected ring, path, complete, or edges")]
    [InlineData("0-1,", 2, "'' is no edge")]
    public void What_is_no_graph_is_refused(string text, int world, string words)
    {
        var fault = RankGraph.Of(text, world, new SourcePlace("--over")).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal((FaultCodes.BadGraph, "--over"), (fault?.Code, fault?.Place?.File));
        Assert.Contains(words, fault!.Message, StringComparison.Ordinal);
    }

    private static RankGraph Graph(string text, int world) => RankGraph.Of(text, world).Match(static graph => graph, static fault => throw new InvalidOperationException(fault.Message));

    private static DadaoNode[] Nodes(DadaoRates rates, int count, int size) => [.. Enumerable.Range(0, count).Select(_ => new DadaoNode(rates, new double[size]))];

    private static void Apply(DadaoNode[] nodes, DadaoEvent next)
    {
        if (next.Second is { } second) Exchange(nodes, next.First, second, next.Time);
        else Descend(nodes, next.First, next.Time);
    }

    private static void Descend(DadaoNode[] nodes, int node, double time) => nodes[node].Descend(time, (point, gradient) => gradient[0] = point[0] - s_targets[node]);

    private static void Exchange(DadaoNode[] nodes, int first, int second, double time)
    {
        var shown = nodes[first].Show(time).ToArray();
        nodes[first].Meet(nodes[second].Show(time));
        nodes[second].Meet(shown);
    }

    private static double[] Sums(DadaoNode[] nodes) => [nodes.Sum(static node => node.Z[0]), nodes.Sum(static node => node.ZTilde[0])];

    private static void Near(IEnumerable<double> expected, IEnumerable<double> actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, Digits));
}
