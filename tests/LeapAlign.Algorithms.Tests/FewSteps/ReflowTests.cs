using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Storage.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>What the methods compute, on pairs that a small flow makes.</summary>
public sealed class ReflowTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Pairing _pairing = new();
    private readonly Tensor _a = tensor(0.7, dtype: float64).requires_grad_(), _b = tensor(-0.4, dtype: float64).requires_grad_();

    private Tensor Flow(Tensor x, Tensor sigma, FlowNetwork.Asked asked) => asked.Policy == PolicyCopy.Reference
        ? GaussianFlow.Velocity(x, sigma) + (asked.Guided ? 0.3 : 0)
        : (x * _a).tanh() + (sigma * _b) + (asked.Guided ? 100 : 0);

    private FlowNetwork Network(int index = 0, int batches = 1, long seed = 5) => new() { Flow = Flow, Index = index, Batches = batches, Seed = seed };

    [Theory]
    [InlineData("reflow", "{}")]
    [InlineData("reflow", """{"density": "u-shaped", "timesteps": 3}""")]
    [InlineData("reflow", """{"pairs": 6, "together": 2}""")]
    [InlineData("reflow-distill", """{"steps": 4, "shift": 3}""")]
    public void The_loss_is_flow_matching_between_noise_and_the_sample_that_it_leads_to(string id, string json)
    {
        var network = Network(batches: 2);
        var objectives = network.Descend(_pairing.Checked(id, json));
        var trained = network.Calls.Where(static call => call.Gradient).ToArray();
        Assert.Equal(objectives.Count, trained.Length);
        // By the plain formula, on the states that the network was asked for: each is on the line between the two ends of one pair.
        var (loss, slope) = (0.0, 0.0);
        foreach (var (call, sample) in trained.SelectMany(static call => call.Captions.Select((_, sample) => (call, sample))))
        {
            var (sigma, x) = (call.Sigmas[sample], call.Latents[(2 * sample)..((2 * sample) + 2)]);
            var (clean, noise) = Assert.Single(Pairs(call.Captions[sample]), pair => Far(x, [.. pair.Clean.Zip(pair.Noise, (c, e) => ((1 - sigma) * c) + (sigma * e))]) < 1e-6);
            for (var d = 0; d < 2; d++)
            {
                var residual = Math.Tanh(0.7 * x[d]) - (0.4 * sigma) - (noise[d] - clean[d]);
                loss += residual * residual / 2 / (trained.Length * call.Captions.Length);
                slope += residual * (1 - Math.Pow(Math.Tanh(0.7 * x[d]), 2)) * x[d] / (trained.Length * call.Captions.Length);
            }
        }
        Assert.Equal(loss, objectives.Sum(static objective => objective.Loss.item<double>() * objective.Share), 1e-6);
        Assert.Equal(slope, _a.grad!.item<double>(), 1e-6);
        Assert.True(Math.Abs(slope) > 1e-3, "the gradient says nothing");
    }

    [Fact]
    public void The_first_policy_makes_pairs_with_guidance_and_the_trained_one_learns_without()
    {
        var network = Network();
        network.Descend(_pairing.Checked("reflow"));
        Assert.All(network.Calls, static call => Assert.Equal(call.Gradient ? (FlowNetwork.Trained, false) : (PolicyCopy.Reference, true), (call.Policy, call.Guided)));
        // Three captions, four pairs of each together, ten steps.
        Assert.Equal(3 * 4 * 10, network.Calls.Where(static call => !call.Gradient).Sum(static call => call.Captions.Length));
        Assert.All(network.Calls.Where(static call => !call.Gradient), static call => Assert.Single(call.Captions.Distinct()));
    }

    [Fact]
    public void A_pair_is_made_once_and_is_the_same_whatever_step_batch_or_seed_needs_it()
    {
        using var other = new Pairing();
        var first = Network();
        first.Descend(_pairing.Checked("reflow"));
        var again = Network(index: 3, seed: 8);
        again.Descend(_pairing.Checked("reflow"));
        Assert.DoesNotContain(again.Calls, static call => !call.Gradient);
        var cut = new FlowNetwork { Flow = Flow, Batches = 4, Index = 7, Captions = ["c", "a", "b", "a"], Seed = 2 };
        cut.Descend(other.Checked("reflow"));
        Assert.Equal(_pairing.Blocks.Select(Path.GetFileName).Order(), other.Blocks.Select(Path.GetFileName).Order());
        Assert.All(_pairing.Blocks, file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(other.Store, Path.GetFileName(file)))));
    }

    [Fact]
    public void A_step_asks_for_the_same_again_whether_its_pairs_were_there_or_not()
    {
        var (first, second) = (Network(index: 4), Network(index: 4));
        var made = first.Descend(_pairing.Checked("reflow")).Select(static objective => objective.Loss.item<double>()).ToArray();
        Assert.Equal(made, second.Descend(_pairing.Checked("reflow")).Select(static objective => objective.Loss.item<double>()));
        Assert.Equal(first.Calls.Single(static call => call.Gradient).Latents, second.Calls.Single(static call => call.Gradient).Latents);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Each_sample_has_levels_of_its_own_one_in_each_part_of_the_range(int times)
    {
        var network = Network();
        network.Descend(_pairing.Checked("reflow", $$"""{"timesteps": {{times}}}"""));
        var trained = network.Calls.Where(static call => call.Gradient).ToArray();
        Assert.Equal(times, trained.Length);
        for (var time = 0; time < times; time++) Assert.All(trained[time].Sigmas, sigma => Assert.InRange(sigma, (double)time / times, (time + 1.0) / times));
        Assert.Equal(4 * times, trained.SelectMany(static call => call.Sigmas).Distinct().Count());
    }

    [Fact]
    public void Distilling_into_one_step_is_reflow_at_pure_noise()
    {
        var network = Network();
        network.Descend(_pairing.Checked("reflow-distill"));
        var call = network.Calls.Single(static call => call.Gradient);
        Assert.All(call.Sigmas, static sigma => Assert.Equal(1.0, sigma));
        Assert.All(call.Captions.Select((caption, sample) => (caption, call.Latents[(2 * sample)..((2 * sample) + 2)])), one => Assert.Contains(Pairs(one.caption), pair => Far(pair.Noise, one.Item2) < 1e-6));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    public void Pairs_of_a_straight_flow_are_its_own_whatever_steps_they_took_and_teach_it_nothing(int steps)
    {
        var network = new FlowNetwork { Flow = static (x, sigma, _) => GaussianFlow.Straight(x, sigma), Schedule = new(Enumerable.Range(0, steps + 1).Select(step => 1 - ((double)step / steps))) };
        var objectives = network.Descend(_pairing.Checked("reflow", """{"straightnessEvery": 1}"""), backward: false);
        Assert.Equal(0, objectives.Single().Loss.item<double>(), 1e-12);
        Assert.Equal(0, Measured(objectives.Single(), "straightness").Max(), 1e-12);
        Assert.All(Pairs("a"), static pair => Assert.Equal(GaussianFlow.M + (GaussianFlow.S * pair.Noise[1]), pair.Clean[1], 1e-6));
    }

    [Fact]
    public void Straightness_is_measured_on_the_paths_of_the_trained_policy_at_its_steps()
    {
        var algorithm = _pairing.Checked("reflow", """{"straightnessEvery": 3}""");
        foreach (var index in new[] { 0, 1, 2, 3 })
        {
            var network = Network(index);
            var objective = Assert.Single(network.Descend(algorithm));
            var rolled = network.Calls.Where(static call => !call.Gradient && call.Policy == FlowNetwork.Trained).ToArray();
            Assert.Equal(index % 3 == 0 ? 10 : 0, rolled.Length);
            Assert.Equal(index % 3 == 0, objective.Measurements.Any(static measured => measured.Name == "straightness"));
            if (index % 3 != 0) continue;
            Assert.All(rolled, static call => Assert.False(call.Guided));
            // By the definition, from the states of the path.
            var ends = rolled[^1].Latents.Zip(rolled[^1].Latents, (x, _) => x - (0.1 * Velocity(x, rolled[^1].Sigmas[0]))).ToArray();
            for (var sample = 0; sample < 4; sample++)
            {
                var expected = 0.0;
                foreach (var call in rolled)
                {
                    for (var d = 2 * sample; d < (2 * sample) + 2; d++) expected += 0.1 * Math.Pow(rolled[0].Latents[d] - ends[d] - Velocity(call.Latents[d], call.Sigmas[0]), 2) / 2;
                }
                Assert.Equal(expected, Measured(objective, "straightness")[sample], 1e-9);
            }
        }

        static double Velocity(double x, double sigma) => Math.Tanh(0.7 * x) - (0.4 * sigma);
    }

    [Fact]
    public void Objectives_are_shares_of_their_micro_batches_and_measure_what_the_pairs_are()
    {
        var network = Network(batches: 2);
        var objectives = network.Descend(_pairing.Checked("reflow", """{"timesteps": 2}"""));
        Assert.Equal([0, 0, 1, 1], objectives.Select(static objective => objective.Batch!.Value));
        Assert.All(objectives, static objective => Assert.Equal(0.25, objective.Share));
        Assert.All(objectives, static objective => Assert.Equal(objective.Loss.item<double>(), Measured(objective, "error").Average(), 1e-9));
        var known = network.Calls.Where(static call => call.Gradient).SelectMany(static call => call.Captions).Distinct().SelectMany(Pairs).Select(static pair => pair.Noise.Zip(pair.Clean, static (e, c) => (e - c) * (e - c)).Average()).ToArray();
        Assert.All(objectives.SelectMany(static objective => Measured(objective, "transport")), cost => Assert.Contains(known, other => Math.Abs(other - cost) < 1e-6));
    }

    [Fact]
    public void Objectives_beside_learn_from_the_samples_of_the_pairs_and_not_from_what_was_rolled_out_for_others()
    {
        // As many samples as pairs are made together, so that a rollout of pairs looks like one of the batch.
        var network = Network();
        var trained = network.Descend(_pairing.Checked("reflow-distill", """{"straightnessEvery": 1}"""));
        Assert.Single(trained);
        var call = network.Calls.Single(static call => call.Gradient);
        for (var sample = 0; sample < 4; sample++)
        {
            var (noise, kept) = (call.Latents[(2 * sample)..((2 * sample) + 2)], network.Kept[0][(2 * sample)..((2 * sample) + 2)]);
            var (clean, _) = Assert.Single(Pairs(call.Captions[sample]), pair => Far(pair.Noise, noise) < 1e-6);
            Assert.Equal(0, Far(clean, kept), 1e-12);
        }
    }

    [Fact]
    public void Every_pair_of_a_caption_is_taken()
    {
        var algorithm = _pairing.Checked("reflow-distill", """{"pairs": 6, "together": 2}""");
        HashSet<double> seen = [];
        for (var index = 0; index < 40; index++)
        {
            var network = new FlowNetwork { Flow = Flow, Index = index, Captions = ["a"] };
            network.Descend(algorithm);
            seen.Add(Math.Round(network.Calls.Single(static call => call.Gradient).Latents[0], 6));
        }
        Assert.Equal(Pairs("a", together: 2, blocks: 3).Select(static pair => Math.Round(pair.Noise[0], 6)).Order(), seen.Order());
    }

    public void Dispose()
    {
        _pairing.Dispose();
        _scope.Dispose();
    }

    private static double[] Measured(Objective objective, string name) => objective.Measurements.Single(measured => measured.Name == name).Value.to(float64).data<double>().ToArray();

    private static double Far(double[] left, double[] right) => left.Zip(right, static (l, r) => Math.Abs(l - r)).Max();

    /// <summary>The pairs of a caption, read from its files.</summary>
    private (double[] Clean, double[] Noise)[] Pairs(string caption)
    {
        var blocks = Enumerable.Range(0, 100).Where(number => File.Exists(Path.Combine(_pairing.Store, new PairBlock(caption, number).FileName)));
        return [.. blocks.SelectMany(number => Pairs(new PairBlock(caption, number)))];
    }

    private (double[] Clean, double[] Noise)[] Pairs(string caption, int together, int blocks)
    {
        var pairs = Pairs(caption);
        Assert.Equal(together * blocks, pairs.Length);
        return pairs;
    }

    private (double[] Clean, double[] Noise)[] Pairs(PairBlock block)
    {
        using var file = Testing.Recording.Require(SafetensorsFile.Open(Path.Combine(_pairing.Store, block.FileName)));
        var states = Testing.Recording.Require(file.Read("states")).to(float64).data<double>().ToArray();
        var count = states.Length / 2;
        var noise = block.Noise(0).Normal([count, 2], CPU).to(float64).data<double>().ToArray();
        return [.. Enumerable.Range(0, count).Select(row => (states[(2 * row)..((2 * row) + 2)], noise[(2 * row)..((2 * row) + 2)]))];
    }
}
