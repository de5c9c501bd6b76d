using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Matching;
using LeapAlign.Methods.Times;
using LeapAlign.Objectives.Anchors;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests.Anchors;

/// <summary>Objectives beside the algorithm's on a network in double, <c>v = tanh(a x) + b σ + prompt / 100</c>, and a reference with other weights.</summary>
public sealed class AnchorTests
{
    private static readonly KlObjective s_kl = new("kl", new KlSettings { Timesteps = 2 });

    [Theory]
    [InlineData(KlWeighting.Uniform)]
    [InlineData(KlWeighting.Elbo)]
    public void The_divergence_is_the_weighted_distance_of_both_velocities_at_the_same_points(KlWeighting weighting)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        var loss = Loss(network, new KlObjective("kl", new KlSettings { Timesteps = 3, Weighting = weighting }));
        var (trained, reference) = (Anchored(network, PolicyNetwork.Trained), Anchored(network, PolicyCopy.Reference));
        Assert.Equal((3, 3), (trained.Count, reference.Count));
        Assert.All(trained, static call => Assert.True(call.Gradient && !call.Guided));
        Assert.All(reference, static call => Assert.True(!call.Gradient && !call.Guided));
        var (a, b) = network.Copies[PolicyCopy.Reference];
        var expected = trained.Zip(reference).Average(pair => pair.First.Sigmas.Select((sigma, row) =>
        {
            Assert.Equal(pair.First.Latents[row], pair.Second.Latents[row]);
            Assert.Equal(sigma, pair.Second.Sigmas[row]);
            var weight = weighting == KlWeighting.Uniform ? 1 : (1 - Math.Min(sigma, 0.99)) / (0.98 * sigma);
            return weight * pair.First.Latents[row].Average(x => Math.Pow(Math.Tanh(0.7 * x) - (0.4 * sigma) - Math.Tanh(a * x) - (b * sigma), 2));
        }).Average());
        Assert.Equal(expected, loss, 1e-9);
    }

    [Fact]
    public void The_gradient_of_the_divergence_is_its_derivative()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        Of(network, s_kl).Loss.backward();
        const double h = 1e-5;
        Assert.Equal(Difference(h, 0), network.A.grad!.item<double>(), 1e-7);
        Assert.Equal(Difference(0, h), network.B.grad!.item<double>(), 1e-7);
        Assert.True(Math.Abs(network.A.grad!.item<double>()) > 1e-3);

        double Difference(double a, double b)
        {
            network.Move(a, b);
            var up = Loss(network, s_kl);
            network.Move(-2 * a, -2 * b);
            var down = Loss(network, s_kl);
            network.Move(a, b);
            return (up - down) / (2 * h);
        }
    }

    [Fact]
    public void It_is_nothing_where_the_policy_is_the_reference_and_pulls_back_where_it_is_not()
    {
        using var scope = NewDisposeScope();
        var same = Networks.Grouped(copies: Networks.OnPolicy);
        var objective = Of(same, s_kl);
        objective.Loss.backward();
        Assert.Equal((0, 0, 0), (objective.Loss.item<double>(), same.A.grad!.item<double>(), same.B.grad!.item<double>()));

        var away = Networks.Grouped();
        var (a, b) = away.Copies[PolicyCopy.Reference];
        for (var update = 0; update < 400; update++)
        {
            using var inner = NewDisposeScope();
            (away.A.grad, away.B.grad) = (null, null);
            Of(away, s_kl, update).Loss.backward();
            away.Move(-0.5 * away.A.grad!.item<double>(), -0.5 * away.B.grad!.item<double>());
        }
        Assert.Equal(a, away.A.item<double>(), 0.02);
        Assert.Equal(b, away.B.item<double>(), 0.02);
    }

    [Fact]
    public void It_learns_from_what_was_sampled_then_from_pictures_and_samples_itself_last()
    {
        using var scope = NewDisposeScope();
        // All noise levels at their lower end, 0.01: x_σ is nearly x_0.
        var objective = new KlObjective("kl", new KlSettings { Times = TimeKind.LogitNormal, LogitMean = -10 });
        var pictured = new PolicyNetwork { Clean = Networks.Grouped().Clean, Groups = Networks.Grouped().Groups, Pictured = true };
        var given = pictured.Step();
        var sampled = ones(given.Batches[1].Noise.shape, dtype: float64) * 7;
        var step = new AlignmentStep(new WithSamples(pictured, batch => batch.Index == 1 ? sampled : null)) { Index = 0, Batches = given.Batches, Random = given.Random };

        objective.Of(step, step.Batches[1], 0);
        Assert.All(pictured.Calls.SelectMany(static call => call.Latents).SelectMany(static row => row), static x => Assert.Equal(7, x, 0.2));
        pictured.Calls.Clear();
        objective.Of(step, step.Batches[0], 0);
        Assert.Equal(2, pictured.Calls.Count);
        foreach (var (row, clean) in pictured.Calls[0].Latents.Zip(pictured.Clean[0]))
        {
            foreach (var (x, expected) in row.Zip(clean)) Assert.Equal(expected, x, 0.1);
        }

        // The sampler stands still, so that it ends at its noise.
        var bare = new PolicyNetwork { Clean = pictured.Clean, Groups = pictured.Groups };
        Of(bare, objective);
        Assert.Equal(bare.Schedule.Steps + 2, bare.Calls.Count);
        Assert.Equal(1, bare.Calls.Count(static call => call.Gradient));
        Assert.All(bare.Calls.SkipLast(2), static call => Assert.True(call.Guided));
    }

    [Fact]
    public void Draws_belong_to_a_sample_an_update_and_a_name()
    {
        using var scope = NewDisposeScope();
        double[] Drawn(int batches, int update, string name)
        {
            var network = Networks.Grouped(batches);
            var step = network.Step();
            foreach (var batch in step.Batches) new KlObjective(name, new KlSettings { Timesteps = 2 }).Of(step, batch, update);
            return [.. Anchored(network, PolicyNetwork.Trained).SelectMany(static call => call.Sigmas.Zip(call.Latents, static (sigma, row) => sigma + row.Sum())).Order()];
        }
        var drawn = Drawn(2, 0, "kl");
        Assert.Equal(16, drawn.Distinct().Count());
        Assert.Equal(drawn, Drawn(1, 0, "kl"));
        Assert.Equal(drawn, Drawn(4, 0, "kl"));
        Assert.Empty(drawn.Intersect(Drawn(2, 1, "kl")));
        Assert.Empty(drawn.Intersect(Drawn(2, 0, "drift")));
    }

    [Fact]
    public void Flow_matching_is_the_loss_of_fine_tuning_on_the_pictures()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        var loss = Loss(network, new FlowMatchingObjective("real", new FlowMatchingSettings { Timesteps = 2 }));
        Assert.Equal(2, network.Calls.Count);
        Assert.All(network.Calls, static call => Assert.True(call.Gradient && !call.Guided));
        var expected = network.Calls.Average(call => call.Latents.Select((row, sample) => row.Select((x, d) =>
        {
            var (sigma, clean) = (call.Sigmas[sample], network.Clean[0][sample][d]);
            var noise = (x - ((1 - sigma) * clean)) / sigma;
            return Math.Pow(Math.Tanh(0.7 * x) - (0.4 * sigma) + (call.Groups[sample] / 100.0) - (noise - clean), 2);
        }).Average()).Average());
        Assert.Equal(expected, loss, 1e-9);
    }

    [Theory]
    [InlineData("kl", Capabilities.ReferencePolicy, 3, 3)]
    [InlineData("flow-matching", Capabilities.Pictures, 0, 3)]
    public void Parts_say_what_they_need_and_cost(string id, string need, double plain, double gradient)
    {
        var part = new AnchorsPlugin().Parts.Single(part => part.Id == id);
        Assert.Equal(PartKinds.Objective, part.Kind);
        var settings = part.ReadSettings("{\"timesteps\": 3}");
        Assert.Equal([need], part.Requires(settings));
        Assert.Equal(new NetworkCost(plain, gradient, 0), part.Cost(settings, 10));
    }

    private static Objective Of(PolicyNetwork network, IObjective objective, int update = 0)
    {
        var step = network.Step();
        return objective.Of(step, step.Batches[0], update);
    }

    private static double Loss(PolicyNetwork network, IObjective objective) => Of(network, objective).Loss.item<double>();

    /// <summary>The calls without guidance: rolling out has it.</summary>
    private static List<PolicyNetwork.Call> Anchored(PolicyNetwork network, string policy) => [.. network.Calls.Where(call => call.Policy == policy && !call.Guided)];

    /// <summary>A step in which something was sampled.</summary>
    private sealed class WithSamples(PolicyNetwork network, Func<MicroBatch, Tensor?> sampled) : IStepServices
    {
        public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => network.Velocity(batch, latents, sigmas, guided);

        public Scores Score(MicroBatch batch, Tensor latents) => network.Score(batch, latents);

        public Tensor Pictures(MicroBatch batch, int number) => network.Pictures(batch, number);

        public IDisposable Use(string policy) => network.Use(policy);

        public Tensor? Sampled(MicroBatch batch) => sampled(batch);
    }
}
