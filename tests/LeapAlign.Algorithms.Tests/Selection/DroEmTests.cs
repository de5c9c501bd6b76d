using LeapAlign.Methods.Times;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>What a selector and a model that learn together descend.</summary>
public sealed class DroEmTests
{
    internal static DroEmSettings Plain => new() { Fragments = ["A", "B", "C", "D"], Join = "", Samples = 5, LikelihoodScale = 3, Effective = 0, Skip = 0, Times = TimeKind.Uniform, Features = 4 };

    // The gradients of both, from what the network was asked: weights, then the loss of each.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    public void Both_descend_the_weighted_losses_of_the_selections_that_were_drawn(int picks, int times)
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork { Batches = 2 };
        using var algorithm = Made(Plain with { Picks = picks, Timesteps = times, GeneratorScale = 2 });
        Prefer(algorithm, 0.3, -0.2, 0.1, 0.05);
        var objectives = network.Descend(algorithm);
        var asked = network.Calls.Where(static call => !call.Gradient).ToList();
        // m selections at Q times for each micro-batch, and no more.
        Assert.Equal(2 * 5 * times, asked.Count);
        var (bias, a) = (new double[4], 0.0);
        foreach (var batch in asked.GroupBy(static call => call.Samples[0]))
        {
            for (var row = 0; row < 3; row++)
            {
                var clean = CaptionNetwork.Picture(batch.First().Samples[row] + 1);
                var selections = batch.Chunk(times).ToList();
                double[] errors = [.. selections.Select(draws => draws.Average(call => network.Error(call.Captions[row], call.Latents[row], call.Sigmas[row], clean, 0.7)))];
                double[] weights = [.. errors.Select(static error => Math.Exp(-1.5 * error))];
                foreach (var (selection, weight) in selections.Zip(weights.Select(weight => weight / weights.Sum())))
                {
                    var caption = selection[0].Captions[row];
                    Assert.Equal(picks + 1, caption.Distinct().Count());
                    using var scores = ((Tensor)algorithm.Parameters[1].Value).detach().to(float64).requires_grad_();
                    PlackettLuce.LogProbability(scores.unsqueeze(0), tensor(caption[1..].Select(static letter => (long)(letter - 'A')).ToArray()).unsqueeze(0)).sum().backward();
                    for (var fragment = 0; fragment < 4; fragment++) bias[fragment] -= weight * scores.grad![fragment].item<double>() / 6;
                    // d/da of the error by a difference, which is exact for a square.
                    a += 2 * weight / 6 * selection.Average(call => (network.Error(caption, call.Latents[row], call.Sigmas[row], clean, 1.7) - network.Error(caption, call.Latents[row], call.Sigmas[row], clean, -0.3)) / 2);
                }
            }
        }
        Assert.All(bias.Zip(algorithm.Parameters[1].Value.grad!.to(float64).data<double>()), static pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.Equal(a, network.A.grad!.item<double>(), 1e-9);
        Assert.Equal(2 * (1 + (5 * times)), objectives.Count);
        Assert.All(objectives, static objective => Assert.NotNull(objective.Batch));
        // The head's gradient is that of the scores times its inputs.
        Assert.NotEqual(0, algorithm.Parameters[0].Value.grad!.abs().sum().item<float>());
    }

    [Fact]
    public void Draws_of_a_sample_are_the_same_under_each_selection_and_its_own()
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork();
        using var algorithm = Made(Plain with { Timesteps = 2 });
        network.Descend(algorithm);
        var asked = network.Calls.Where(static call => !call.Gradient).ToList();
        foreach (var time in new[] { 0, 1 })
        {
            var draws = asked.Where((_, place) => place % 2 == time).ToList();
            Assert.All(draws, call => Assert.Equal(draws[0].Sigmas, call.Sigmas));
            Assert.All(draws, call => Assert.Equal(draws[0].Latents, call.Latents));
            Assert.Equal(3, draws[0].Sigmas.Distinct().Count());
        }
        // Each time has a level and noise of its own.
        Assert.NotEqual(asked[0].Sigmas, asked[1].Sigmas);
        Assert.NotEqual(Noise(asked[0]), Noise(asked[1]), static (one, other) => Math.Abs(one - other) < 1e-9);
        // What is trained is what was weighed.
        var trained = network.Calls.Where(static call => call.Gradient).ToList();
        Assert.Equal(asked.Select(static call => string.Join('|', call.Captions) + call.Latents[0][0]), trained.Select(static call => string.Join('|', call.Captions) + call.Latents[0][0]));
        Assert.All(network.Calls, static call => Assert.False(call.Guided));

        static double Noise(CaptionNetwork.Call call) => (call.Latents[0][0] - ((1 - call.Sigmas[0]) * CaptionNetwork.Picture(call.Samples[0] + 1))) / call.Sigmas[0];
    }

    [Fact]
    public void Selections_of_little_weight_cost_no_gradient_and_still_teach_the_selector()
    {
        using var scope = NewDisposeScope();
        var (whole, skipping) = (new CaptionNetwork(), new CaptionNetwork());
        using var all = Made(Plain with { LikelihoodScale = 20 });
        using var some = Made(Plain with { LikelihoodScale = 20, Skip = 0.09 });
        whole.Descend(all);
        skipping.Descend(some);
        Assert.Equal(whole.Calls.Count(static call => !call.Gradient), skipping.Calls.Count(static call => !call.Gradient));
        Assert.True(Trained(skipping) < Trained(whole));
        Assert.Equal(15, Trained(whole));
        Assert.InRange(Trained(skipping), 3, 14);
        Assert.Equal(all.Parameters[1].Value.grad!.data<float>().ToArray(), some.Parameters[1].Value.grad!.data<float>().ToArray());
        // What is left out is not made up for.
        var (asked, gradient) = (skipping.Calls.Where(static call => !call.Gradient).ToList(), 0.0);
        foreach (var call in skipping.Calls.Where(static call => call.Gradient))
        {
            for (var row = 0; row < call.Samples.Length; row++)
            {
                var (place, clean) = ((int)call.Samples[row], CaptionNetwork.Picture(call.Samples[row] + 1));
                double Error(string caption, double a) => skipping.Error(caption, call.Latents[row], call.Sigmas[row], clean, a);
                var total = asked.Sum(each => Math.Exp(-10 * Error(each.Captions[place], 0.7)));
                gradient += Math.Exp(-10 * Error(call.Captions[row], 0.7)) / total / 3 * (Error(call.Captions[row], 1.7) - Error(call.Captions[row], -0.3)) / 2;
            }
        }
        Assert.Equal(gradient, skipping.A.grad!.item<double>(), 1e-9);

        static int Trained(CaptionNetwork network) => network.Calls.Where(static call => call.Gradient).Sum(static call => call.Samples.Length);
    }

    [Theory]
    [InlineData(TrainedPlayers.Selector)]
    [InlineData(TrainedPlayers.Generator)]
    public void One_of_the_two_may_stay(TrainedPlayers train)
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork();
        using var algorithm = Made(Plain with { Train = train });
        var objectives = network.Descend(algorithm);
        Assert.Equal(train == TrainedPlayers.Selector ? 1 : 5, objectives.Count);
        Assert.Equal(train == TrainedPlayers.Selector, network.A.grad is null);
        Assert.Equal(train == TrainedPlayers.Selector ? 2 : 0, algorithm.Parameters.Count);
        // What was measured is told once.
        Assert.Single(objectives, static objective => objective.Measurements.Any(static measured => measured.Name == "marginal"));
    }

    internal static DroEmAlgorithm Made(DroEmSettings settings) => Recording.Require(DroEmAlgorithm.Of("dro-em", settings, CPU));

    internal static void Prefer(DroEmAlgorithm algorithm, params double[] scores)
    {
        using var _ = no_grad();
        algorithm.Parameters[^1].Value.copy_(tensor(scores).to(float32));
    }
}
