using System.Diagnostics;
using System.Runtime.InteropServices;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting.Sites;

/// <summary>
/// DADAO with clocks of its own in each site: gradients and exchanges come when they come, by the wall clock, and no site has a list of the others' events. The lower end of an edge has its clock and asks; who is free says that it is
/// ready, and both swap. Asks go up the ranks, so that no circle of sites waits for itself. A site that has asked is bound until it is answered and answers others that it is busy, so that a swap waits for nobody but its two
/// ends. What was busy is asked again a little later, so that in the long run an edge has as many exchanges as its clock rang.
/// </summary>
/// <remarks>Not exact: which event comes before which depends on the machines, and no two runs have the same bits.</remarks>
/// <param name="communicator">The sites.</param>
/// <param name="graph">Who is whose neighbour.</param>
/// <param name="problem">That of this site.</param>
/// <param name="node">Its state.</param>
/// <param name="gossipRate">The rate of exchanges, over all edges.</param>
/// <param name="random">The key of the clocks.</param>
internal sealed class LiveGossip(IPeerCommunicator communicator, RankGraph graph, SiteProblem problem, DadaoNode node, double gossipRate, RandomKey random) : IDisposable
{
    // What is busy is asked again after so much of the mean time between two exchanges of an edge, in the mean.
    private const double Patience = 0.1;

    // With nothing due for longer than that the processor is given away.
    private static readonly TimeSpan s_nap = TimeSpan.FromMilliseconds(2);

    private readonly int[] _neighbours = [.. graph.Edges.Where(edge => edge.First == communicator.Rank || edge.Second == communicator.Rank).Select(edge => edge.First == communicator.Rank ? edge.Second : edge.First).Order()];
    private readonly KeyedRandom _random = random.For("live", communicator.Rank).Open();
    private readonly HashSet<int> _ended = [];
    private readonly Tensor _word = zeros(1, dtype: ScalarType.Int64).DetachFromDisposeScope();
    private readonly Tensor _shown = empty(problem.Size, dtype: ScalarType.Float64).DetachFromDisposeScope();
    private readonly Tensor _other = empty(problem.Size, dtype: ScalarType.Float64).DetachFromDisposeScope();
    private readonly Dictionary<int, double> _rings = [];
    private double _gradient = double.NaN;
    private int? _asked;
    private double _from;
    private double _until;
    private double _pace;
    private double _late;
    private long _rung;
    private long _began;

    private enum Word : long
    {
        Ask = 1,
        Ready,
        Busy,
        End,
    }

    /// <summary>Gradients of this site so far.</summary>
    public long Gradients { get; private set; }

    /// <summary>Exchanges of this site so far.</summary>
    public long Exchanges { get; private set; }

    /// <summary>By how much of the method's time events of this site came late since the last chunk began, in the mean: a part of what passes between two of them, or the pace is too fast.</summary>
    public double Late => _rung == 0 ? 0 : _late / _rung;

    /// <summary>Lets the clocks run for a while. All sites begin together, and none leaves before its neighbours have nothing to ask any more.</summary>
    /// <param name="from">The time of the method at the beginning.</param>
    /// <param name="until">At the end.</param>
    /// <param name="pace">How much of it passes in a second.</param>
    public void Run(double from, double until, double pace)
    {
        (_from, _until, _pace, _began, _late, _rung) = (from, until, pace, Stopwatch.GetTimestamp(), 0, 0);
        _ended.Clear();
        if (double.IsNaN(_gradient)) Wind();
        var told = false;
        while (true)
        {
            Answer();
            var now = Now;
            if (now >= until)
            {
                if (_asked is null && !told) told = TellEnd();
                if (told && _ended.Count == _neighbours.Length) return;
                Thread.Yield();
            }
            else if (!Ring(now))
            {
                Wait(now);
            }
        }
    }

    public void Dispose()
    {
        _word.Dispose();
        _shown.Dispose();
        _other.Dispose();
    }

    private double Now => Math.Min(_until, _from + (Stopwatch.GetElapsedTime(_began).TotalSeconds * _pace));

    // Each edge has as much of the rate as the others.
    private double Between => graph.Edges.Count / gossipRate;

    private void Wind()
    {
        _gradient = _from + Gap(1);
        foreach (var (first, second) in graph.Edges)
        {
            if (first == communicator.Rank) _rings[second] = _from + Gap(Between);
        }
    }

    private double Gap(double mean) => -Math.Log(1 - _random.NextDouble()) * mean;

    // What is due, the longest first.
    private bool Ring(double now)
    {
        var edge = _asked is null && _rings.Count > 0 ? _rings.MinBy(static ring => ring.Value) : new KeyValuePair<int, double>(-1, double.PositiveInfinity);
        if (Math.Min(edge.Value, _gradient) > now) return false;
        _late += now - Math.Min(edge.Value, _gradient);
        _rung++;
        if (_gradient <= edge.Value)
        {
            node.Descend(now, problem.Gradient);
            Gradients++;
            _gradient += Gap(1);
        }
        else
        {
            Say(Word.Ask, edge.Key);
            _asked = edge.Key;
        }
        return true;
    }

    private void Answer()
    {
        foreach (var neighbour in _neighbours)
        {
            while (communicator.HasMessage(neighbour))
            {
                communicator.Receive(_word, neighbour);
                switch ((Word)_word.item<long>())
                {
                    case Word.Ask when _asked is null && Now < _until:
                        Say(Word.Ready, neighbour);
                        Meet(neighbour);
                        break;
                    case Word.Ask:
                        Say(Word.Busy, neighbour);
                        break;
                    case Word.Ready:
                        Meet(neighbour);
                        _asked = null;
                        _rings[neighbour] += Gap(Between);
                        break;
                    case Word.Busy:
                        _asked = null;
                        _rings[neighbour] = Math.Max(_rings[neighbour], Now) + Gap(Patience * Between);
                        break;
                    case Word.End:
                        _ended.Add(neighbour);
                        break;
                    default:
                        throw new InvalidOperationException($"site {neighbour} said {_word.item<long>()}, which is no word of sites");
                }
            }
        }
    }

    private void Meet(int neighbour)
    {
        MemoryMarshal.AsBytes(node.Show(Now)).CopyTo(_shown.bytes);
        communicator.Swap(neighbour, _shown, _other);
        node.Meet(MemoryMarshal.Cast<byte, double>(_other.bytes));
        Exchanges++;
    }

    private bool TellEnd()
    {
        foreach (var neighbour in _neighbours) Say(Word.End, neighbour);
        return true;
    }

    private void Say(Word word, int to)
    {
        _word.fill_((long)word);
        communicator.Send(_word, to);
    }

    private void Wait(double now)
    {
        var next = _asked is null && _rings.Count > 0 ? Math.Min(_gradient, _rings.Values.Min()) : _gradient;
        if (_asked is null && TimeSpan.FromSeconds(Math.Min(next - now, _until - now) / _pace) > s_nap) Thread.Sleep(1);
        else Thread.Yield();
    }
}
