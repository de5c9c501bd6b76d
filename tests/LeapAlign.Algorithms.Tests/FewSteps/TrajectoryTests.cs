using LeapAlign.Algorithms.FewSteps.Maps;
using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Storage.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>Regression on the rollouts of the first policy.</summary>
public sealed class TrajectoryTests : IDisposable
{
    private const int Substeps = 3;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Pairing _pairing = new();
    private readonly Tensor _a = tensor(0.7, dtype: float64).requires_grad_();

    // The rollout's grid is that of the run, [1, 0.5, 0], in three parts each.
    private static double[] Levels => [1, 5.0 / 6, 4.0 / 6, 0.5, 2.0 / 6, 1.0 / 6, 0];

    private FlowNetwork Network(int index = 0, int batches = 1, long seed = 5) => new()
    {
        Flow = static (x, sigma, asked) => GaussianFlow.Velocity(x, sigma) + (asked.Guided ? 0.3 : 100),
        Map = (x, s, t, asked) => (x * _a).tanh() - (0.4 * s) + (0.2 * t) + (asked.Guided ? 100 : 0),
        Schedule = new Schedule([1, 0.5, 0]),
        Index = index,
        Batches = batches,
        Seed = seed,
    };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    public void The_loss_is_the_distance_to_what_the_rollout_does_between_two_of_its_states(int batches, int jumps)
    {
        var network = Network(batches: batches);
        var objectives = network.Descend(Algorithm($$"""{"substeps": 3, "jumps": {{jumps}}}"""));
        var trained = network.Calls.Where(static call => call.Gradient).ToArray();
        Assert.Equal(batches * jumps, trained.Length);
        var (loss, slope) = (0.0, 0.0);
        foreach (var (call, place) in trained.SelectMany(static call => call.Captions.Select((_, place) => (call, place))))
        {
            var (s, t) = (call.Sigmas[place], call.Ends[place]);
            var (i, j) = (Array.FindIndex(Levels, level => Math.Abs(level - s) < 1e-12), Array.FindIndex(Levels, level => Math.Abs(level - t) < 1e-12));
            Assert.True(i >= 0 && j > i, $"{s} to {t}");
            var path = Assert.Single(Paths(call.Captions[place]), path => Enumerable.Range(0, 2).All(d => Math.Abs(path[i][d] - call.Latents[(2 * place) + d]) < 1e-6));
            for (var d = 0; d < 2; d++)
            {
                var residual = Math.Tanh(0.7 * path[i][d]) - (0.4 * s) + (0.2 * t) - ((path[j][d] - path[i][d]) / (t - s));
                var share = 1.0 / (2 * trained.Length * call.Captions.Length);
                loss += residual * residual * share;
                slope += 2 * residual * (1 - Math.Pow(Math.Tanh(0.7 * path[i][d]), 2)) * path[i][d] * share;
            }
        }
        Assert.Equal(loss, objectives.Sum(static objective => objective.Loss.item<double>() * objective.Share), 1e-6);
        Assert.Equal(slope, _a.grad!.item<double>(), 1e-6);
        Assert.True(Math.Abs(slope) > 1e-3, "the gradient says nothing");
    }

    [Fact]
    public void Rollouts_are_guided_euler_steps_of_the_first_policy_on_a_finer_grid()
    {
        var network = Network();
        network.Descend(Algorithm());
        var rolled = network.Calls.Where(static call => !call.Gradient).ToArray();
        Assert.All(rolled, static call => Assert.Equal((PolicyCopy.Reference, true), (call.Policy, call.Guided)));
        Assert.Equal(Levels[..^1], rolled[..(2 * Substeps)].Select(static call => call.Sigmas[0]), static (one, other) => Math.Abs(one - other) < 1e-12);
        foreach (var path in Paths("a"))
        {
            for (var step = 0; step < Levels.Length - 1; step++)
            {
                for (var d = 0; d < 2; d++)
                {
                    var next = path[step][d] + ((Levels[step + 1] - Levels[step]) * (GaussianFlow.Velocity(path[step][d], Levels[step]) + 0.3));
                    Assert.Equal(next, path[step + 1][d], 1e-6);
                }
            }
        }
        // The sampler's own levels are among them, to the bit.
        Assert.Equal([1, 0.5, 0], new[] { 0, Substeps, 2 * Substeps }.Select(static place => new FineGrid(new Schedule([1, 0.5, 0]), Substeps).Levels[place]));
    }

    [Fact]
    public void Every_jump_of_a_rollout_is_drawn_first_its_beginning_and_then_its_end()
    {
        Dictionary<(double, double), int> drawn = [];
        for (var index = 0; index < 300; index++)
        {
            var network = Network(index);
            network.Descend(Algorithm("""{"substeps": 3, "jumps": 4}"""), backward: false);
            foreach (var call in network.Calls.Where(static call => call.Gradient))
            {
                foreach (var time in call.Sigmas.Zip(call.Ends)) drawn[time] = drawn.GetValueOrDefault(time) + 1;
            }
        }
        Assert.Equal(21, drawn.Count);
        // Of six beginnings each as often as the others, then of the ends behind it.
        var all = 300.0 * 4 * 4;
        for (var i = 0; i < 6; i++) Assert.Equal(1.0 / 6, drawn.Where(pair => Math.Abs(pair.Key.Item1 - Levels[i]) < 1e-12).Sum(static pair => pair.Value) / all, 0.02);
        Assert.Equal(1.0 / 36, drawn.Single(static pair => pair.Key == (1, 0)).Value / all, 0.01);
    }

    [Fact]
    public void A_store_of_rollouts_is_kept_for_other_runs_and_is_none_of_ends()
    {
        Network().Descend(Algorithm());
        var again = Network(index: 3, seed: 8);
        again.Descend(Algorithm());
        Assert.DoesNotContain(again.Calls, static call => !call.Gradient);
        // Another grid is another store, and so is one of ends alone.
        Network().Descend(Algorithm("""{"substeps": 2}"""));
        Network().Descend(_pairing.Checked("reflow"), backward: false);
        Assert.Equal(3, Directory.GetFiles(_pairing.Folder, PairStore.FileName, SearchOption.AllDirectories).Length);
        var refusal = _pairing.Refusal("flow-map-trajectory", $$"""{"store": "{{Path.GetFileName(Stores("all of 3 Euler").Single())}}", "substeps": 5}""");
        Assert.Contains("states", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Objectives_beside_learn_from_where_the_rollouts_end()
    {
        var network = Network();
        network.Descend(Algorithm());
        Assert.All(network.Kept[0].Chunk(2), (end, sample) => Assert.Contains(Paths(network.Captions[sample]), path => Math.Abs(path[^1][0] - end[0]) < 1e-6));
    }

    [Fact]
    public void Rollouts_are_kept_in_fp32_unless_asked_otherwise() => Assert.Equal(PairPrecision.Float32, ((PairSettings)Pairing.Part("flow-map-trajectory").ReadSettings("{}")).Precision);

    public void Dispose()
    {
        _pairing.Dispose();
        _scope.Dispose();
    }

    private IAlgorithm Algorithm(string json = """{"substeps": 3}""") => _pairing.Checked("flow-map-trajectory", json);

    private IEnumerable<string> Stores(string states) =>
        Directory.GetDirectories(_pairing.Folder).Where(folder => File.ReadAllText(Path.Combine(folder, PairStore.FileName)).Contains(states, StringComparison.Ordinal));

    /// <summary>The states of a caption's rollouts, read from its files: the noise first.</summary>
    private double[][][] Paths(string caption)
    {
        var block = new PairBlock(caption, 0);
        using var file = Testing.Recording.Require(SafetensorsFile.Open(Path.Combine(Stores("all of 3 Euler").Single(), block.FileName)));
        var kept = Testing.Recording.Require(file.Read("states"));
        var states = kept.to(float64).data<double>().ToArray();
        Assert.Equal([4, 6, 2], kept.shape);
        var noise = block.Noise(0).Normal([4, 2], CPU).to(float64).data<double>().ToArray();
        return [.. Enumerable.Range(0, 4).Select(row => (double[][])[noise[(2 * row)..((2 * row) + 2)], .. states[(12 * row)..((12 * row) + 12)].Chunk(2)])];
    }
}
