using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Fitting.Sites;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Fitting.Sites;

/// <summary>Sites that agree on a last layer: on that of all rows, whatever the graph, and to the bit after a stop.</summary>
public sealed class SiteDescentTests : IDisposable
{
    private const int Size = 4;
    private const double Penalty = 0.05;
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-sites-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("ring", 1)]
    [InlineData("ring", 2)]
    [InlineData("path", 4)]
    [InlineData("ring", 4)]
    [InlineData("complete", 4)]
    [InlineData("0-1,1-2,1-3", 4)]
    public void Sites_come_to_the_regression_of_all_rows(string graph, int world)
    {
        var expected = Pooled();
        var all = ThreadedRanks.Run(world, communicator => Solved(communicator, graph, logistic: false).Value()!);
        Assert.All(all, each => Assert.Equal(all[0].Weights, each.Weights));
        var distance = Math.Sqrt(expected.Zip(all[0].Weights, static (one, other) => (one - other) * (one - other)).Sum());
        Assert.True(distance <= all[0].Bound && all[0].Bound < 2e-7, $"{distance} {all[0].Bound}");
        Assert.True(all[0].Apart < 1e-6);
        Assert.Equal(world > 1, all[0].Exchanges > 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Sites_come_to_the_preferences_of_all_rows(int world)
    {
        var alone = ThreadedRanks.Run(1, static communicator => Solved(communicator, "ring", logistic: true).Value()!)[0];
        var all = ThreadedRanks.Run(world, static communicator => Solved(communicator, "ring", logistic: true).Value()!);
        Assert.All(alone.Weights.Zip(all[^1].Weights), static pair => Assert.Equal(pair.First, pair.Second, 4e-7));
        // Where the gradient of the mean loss and the penalty is zero, by differences.
        for (var i = 0; i < Size; i++)
        {
            double At(double by) => Loss([.. alone.Weights.Select((weight, place) => place == i ? weight + by : weight)]);
            Assert.Equal(0, (At(1e-4) - At(-1e-4)) / 2e-4, 1e-7);
        }
        Assert.True(alone.Weights[0] > 0.1);
    }

    [Fact]
    public void Nothing_but_neighbours_exchanges_between_meetings()
    {
        var all = ThreadedRanks.Run(4, static communicator =>
        {
            var listened = new Listened(communicator);
            Solved(listened, "0-1,1-2,1-3", logistic: false).Value();
            return listened;
        });
        Assert.Equal([[1], [0, 2, 3], [1], [1]], all.Select(static each => each.Partners.Order().ToArray()));
        // All that passes an edge is the length of the layer.
        Assert.All(all, static each => Assert.Equal([Size], each.Lengths));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void What_was_stopped_goes_on_to_the_bit(int world)
    {
        var whole = ThreadedRanks.Run(world, static communicator => Solved(communicator, "ring", logistic: false).Value()!);
        using var stop = new CancellationTokenSource();
        var stopped = ThreadedRanks.Run(world, communicator => Solved(communicator, "ring", logistic: false, (At(communicator), false), (line, rank) => Stop(stop, line, rank, "meeting 3:"), stop: stop.Token).Value());
        Assert.All(stopped, Assert.Null);
        Assert.Equal(2 * world, Directory.GetFiles(_folder).Length);
        // As a kill leaves them: one site had not yet written its last state.
        if (world > 1) File.Delete(At(world - 1) + ".1");
        List<string> lines = [];
        var resumed = ThreadedRanks.Run(world, communicator => Solved(communicator, "ring", logistic: false, (At(communicator), true), (line, rank) =>
        {
            if (rank == 0) lines.Add(line);
        }).Value()!);
        Assert.StartsWith(world > 1 ? "meeting 3:" : "meeting 4:", lines[0], StringComparison.Ordinal);
        Assert.Equal(whole[0].Weights, resumed[0].Weights);
        Assert.Equal((whole[0].Bound, whole[0].Apart, whole[0].Events), (resumed[0].Bound, resumed[0].Apart, resumed[0].Events));
    }

    [Fact]
    public void States_of_another_fit_are_not_gone_on_from()
    {
        using var stop = new CancellationTokenSource();
        ThreadedRanks.Run(2, communicator => Solved(communicator, "ring", logistic: false, (At(communicator), false), (line, rank) => Stop(stop, line, rank, "meeting 2:"), stop: stop.Token).Value());
        var other = ThreadedRanks.Run(2, communicator => Solved(communicator, "ring", logistic: true, (At(communicator), true)));
        Assert.All(other, static each => each.Fault(FaultCodes.CannotFit, "there is no state of this fit that all sites have"));
        File.WriteAllText(At(1) + ".0", "no state");
        File.Delete(At(1) + ".1");
        var damaged = ThreadedRanks.Run(2, communicator => Solved(communicator, "ring", logistic: false, (At(communicator), true)));
        Assert.All(damaged, static each => each.Fault(FaultCodes.CannotFit, "leave --resume out"));
    }

    [Fact]
    public void Sites_that_do_not_get_there_say_so()
    {
        var all = ThreadedRanks.Run(2, static communicator => Solved(communicator, "ring", logistic: false, most: 2));
        Assert.All(all, static each => Assert.Equal("--penalty", each.Fault(FaultCodes.CannotFit, "the sites do not agree after").Place!.File));
    }

    [Fact]
    public void A_state_that_cannot_be_written_ends_all_sites()
    {
        var nowhere = Path.Combine(_folder, "absent", "state");
        var all = ThreadedRanks.Run(2, communicator => Solved(communicator, "ring", logistic: false, (communicator.Rank == 1 ? nowhere : At(communicator), false)));
        Assert.All(all, static each => Assert.Equal((FaultCodes.CannotWrite, 1), (each.Fault(FaultCodes.CannotWrite, "").Code, each.Fault(FaultCodes.CannotWrite, "").Rank)));
    }

    private static void Stop(CancellationTokenSource stop, string line, int rank, string at)
    {
        if (rank == 0 && line.StartsWith(at, StringComparison.Ordinal)) stop.Cancel();
    }

    private string At(ICommunicator communicator) => At(communicator.Rank);

    private string At(int rank) => Path.Combine(_folder, $"state{rank}");

    private static Result<SiteSolution?> Solved(ICommunicator communicator, string graph, bool logistic, (string Path, bool Resumes)? states = null, Action<string, int>? say = null, int most = 400, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        var (inputs, targets) = Rows();
        var own = Enumerable.Range(0, (int)targets.shape[0]).Where(row => Site(row, communicator.World) == communicator.Rank).Select(static row => (long)row).ToArray();
        var (x, y) = (inputs.index_select(0, tensor(own)), targets.index_select(0, tensor(own)));
        var share = communicator.World / (double)targets.shape[0];
        var problem = logistic ? SiteProblem.Logistic(x * y.sign().unsqueeze(1), share, Penalty) : SiteProblem.Ridge(x, y, share, Penalty);
        return new SiteDescent(new RunRanks(communicator), RankGraph.Of(graph, communicator.World).Value(), problem, RandomKey.OfRun(3))
        {
            States = states?.Path,
            Resumes = states?.Resumes == true,
            Say = line => say?.Invoke(line, communicator.Rank),
            MostMeetings = most,
        }.Solve(stop);
    }

    // The first site has few rows.
    private static int Site(int row, int world) => row < 6 ? 0 : 1 + (row % Math.Max(1, world - 1)) is var site && site < world ? site : 0;

    private static (Tensor Inputs, Tensor Targets) Rows()
    {
        var inputs = RandomKey.OfRun(1).Normal([90, Size], CPU).to(float64) * tensor(new[] { 2.0, 1, 1, 0.3 });
        var targets = inputs.matmul(tensor(new[] { 1, -0.5, 0, 2.0 })) + (RandomKey.OfRun(2).Normal([90], CPU).to(float64) * 2);
        return (inputs, targets);
    }

    private static double[] Pooled()
    {
        using var scope = NewDisposeScope();
        var (inputs, targets) = Rows();
        return linalg.solve((inputs.t().matmul(inputs) / 90) + (eye(Size, dtype: float64) * Penalty), inputs.t().matmul(targets) / 90).data<double>().ToArray();
    }

    private static double Loss(double[] weights)
    {
        using var scope = NewDisposeScope();
        var (inputs, targets) = Rows();
        var w = tensor(weights);
        return (nn.functional.softplus(-(inputs * targets.sign().unsqueeze(1)).matmul(w)).mean() + (w.square().sum() * (Penalty / 2))).item<double>();
    }

    // Hears what passes an edge.
    private sealed class Listened(IPeerCommunicator inner) : IPeerCommunicator
    {
        public HashSet<int> Partners { get; } = [];

        public HashSet<long> Lengths { get; } = [];

        public string Description => inner.Description;

        public int Rank => inner.Rank;

        public int World => inner.World;

        public int LocalRank => inner.LocalRank;

        public int LocalWorld => inner.LocalWorld;

        public void Exchange(Tensor from, Tensor into) => inner.Exchange(from, into);

        public void Gather(Tensor from, Tensor into) => inner.Gather(from, into);

        public void Broadcast(Tensor tensor, int root) => inner.Broadcast(tensor, root);

        public void Swap(int other, Tensor from, Tensor into)
        {
            Partners.Add(other);
            Lengths.Add(from.numel());
            inner.Swap(other, from, into);
        }

        public IPeerCommunicator Split(int group) => inner.Split(group);

        public void Send(Tensor tensor, int to) => inner.Send(tensor, to);

        public void Receive(Tensor tensor, int from) => inner.Receive(tensor, from);

        public bool HasMessage(int from) => inner.HasMessage(from);

        public void Abort(int exitCode) => inner.Abort(exitCode);
    }
}
