using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Methods.Times;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>What a selector and a model that learn together compute.</summary>
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

    [Fact]
    public void Evidence_online_is_the_reward_of_what_a_selection_draws_for_the_prompts_own_caption()
    {
        using var scope = NewDisposeScope();
        List<double[]> judged = [];
        var network = new CaptionNetwork { Judge = means => { judged.Add(means); return means; } };
        using var algorithm = Made(Plain with { Evidence = EvidenceSource.Online, Temperature = 0.5, Samples = 4 });
        var objectives = network.Descend(algorithm);
        Assert.Equal(4, judged.Count);
        Assert.All(network.Scored, static caption => Assert.Equal("p", caption));
        var rolled = network.Calls.Where(static call => !call.Gradient).ToList();
        Assert.Equal(4, rolled.Count);
        Assert.All(rolled, static call => Assert.True(call.Guided));
        Assert.All(rolled, call => Assert.Equal(rolled[0].Latents, call.Latents));
        var measured = objectives[0].Measurements.Single(static each => each.Name == "marginal").Value.data<double>().ToArray();
        for (var row = 0; row < 3; row++) Assert.Equal(Math.Log(judged.Average(means => Math.Exp(means[row] / 0.5))), measured[row], 1e-12);
        Assert.Equal(12, objectives[0].Measurements.Single(static each => each.Name == "reward").Value.numel());
        // The model learns each picture under the selection that drew it.
        var trained = network.Calls.Where(static call => call.Gradient).ToList();
        Assert.Equal(4, trained.Count);
        for (var selection = 0; selection < 4; selection++)
        {
            Assert.Equal(rolled[selection].Captions, trained[selection].Captions);
            var (at, sigma) = (trained[selection], trained[selection].Sigmas[0]);
            var drawn = rolled[selection].Latents[0].Select(value => (1.7 * value) + 1 + network.Of(rolled[selection].Captions[0])).ToArray();
            // ε is the same under every selection.
            var noise = at.Latents[0].Zip(drawn, (value, clean) => (value - ((1 - sigma) * clean)) / sigma).ToArray();
            var first = trained[0].Latents[0].Zip(rolled[0].Latents[0], (value, from) => (value - ((1 - sigma) * ((1.7 * from) + 1 + network.Of(rolled[0].Captions[0])))) / sigma);
            Assert.All(noise.Zip(first), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        }
    }

    [Fact]
    public void A_score_that_is_missing_says_nothing_and_a_sample_without_any_is_left_out()
    {
        using var scope = NewDisposeScope();
        var calls = 0;
        var network = new CaptionNetwork { Judge = means => [double.NaN, calls++ == 0 ? double.NaN : 1, means[2]] };
        using var algorithm = Made(Plain with { Evidence = EvidenceSource.Online, Effective = 0.9, Samples = 4 });
        var objectives = network.Descend(algorithm);
        Assert.True(objectives.TrueForAll(static objective => double.IsFinite(objective.Loss.to(float64).item<double>())));
        var trained = network.Calls.Where(static call => call.Gradient).ToList();
        Assert.DoesNotContain(trained, static call => call.Captions.Length == 3 || call.Samples.Contains(0));
        Assert.Equal(3, trained.Count(static call => call.Samples.Contains(1)));
        Assert.Equal(2, objectives[0].Measurements.Single(static each => each.Name == "effective").Value.numel());
    }

    [Fact]
    public void What_is_there_is_weighed_as_if_nothing_were_missing()
    {
        using var scope = NewDisposeScope();
        var calls = 0;
        double[] scores = [0.3, double.NaN, 0.7, 0.1];
        var network = new CaptionNetwork { Judge = means => [.. means.Select(_ => scores[calls / 3 % 4]).Select(score => { calls++; return score; })] };
        using var algorithm = Made(Plain with { Evidence = EvidenceSource.Online, Temperature = 0.2, Samples = 4 });
        var objectives = network.Descend(algorithm);
        var expected = Evidence.Of([1.5, 3.5, 0.5], 0);
        foreach (var (name, value) in new[] { ("effective", expected.Effective), ("marginal", expected.Marginal) })
            Assert.All(objectives[0].Measurements.Single(each => each.Name == name).Value.data<double>(), measured => Assert.Equal(value, measured, 1e-12));
    }

    [Fact]
    public void A_sample_draws_its_own_selections_whatever_micro_batch_it_is_in()
    {
        using var scope = NewDisposeScope();
        string[] Drawn(int samples, int batches)
        {
            var network = new CaptionNetwork { Samples = samples, Batches = batches };
            using var algorithm = Made(Plain);
            network.Descend(algorithm);
            var asked = network.Calls.Where(static call => !call.Gradient).ToList();
            return [.. Enumerable.Range(0, 3).Select(sample => string.Join('|', asked.Where(call => call.Samples.Contains(sample)).Select(call => call.Captions[Array.IndexOf(call.Samples, sample)])))];
        }
        var whole = Drawn(3, 1);
        Assert.Equal(whole, Drawn(1, 3));
        Assert.Equal(3, whole.Distinct().Count());
    }

    [Fact]
    public void A_copy_draws_and_weighs_within_an_iteration()
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork();
        using var algorithm = Made(Plain with { Iteration = 3 });
        var copy = Assert.Single(algorithm.Copies);
        Assert.Equal("iteration", copy.Name);
        Assert.Equal([1, 1, 0, 1, 1, 0], Enumerable.Range(0, 6).Select(copy.Decay));
        network.Descend(algorithm, 0);
        Assert.All(network.Calls, static call => Assert.Equal(call.Gradient ? CaptionNetwork.Trained : "iteration", call.Policy));
        // All weight on D, but only from the next iteration on.
        Prefer(algorithm, 0, 0, 0, 50);
        network.Descend(algorithm, 1);
        Assert.Contains(network.Calls.SelectMany(static call => call.Captions), static caption => caption != "pD");
        network.Descend(algorithm, 3);
        Assert.All(network.Calls.SelectMany(static call => call.Captions), static caption => Assert.Equal("pD", caption));
        using var plain = Made(Plain);
        Assert.Empty(plain.Copies);
        network.Descend(plain, 0);
        Assert.All(network.Calls, static call => Assert.Equal(CaptionNetwork.Trained, call.Policy));
    }

    // A difference of gradients of one step would otherwise be one of draws.
    [Fact]
    public void A_step_that_is_made_again_draws_as_it_did()
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork();
        using var algorithm = Made(Plain);
        network.Descend(algorithm, 7);
        var first = Drawn();
        Prefer(algorithm, 0, 0, 0, 50);
        network.Descend(algorithm, 7);
        Assert.Equal(first, Drawn());
        network.Descend(algorithm, 8);
        Assert.NotEqual(first, Drawn());

        List<string> Drawn() => [.. network.Calls.SelectMany(static call => call.Captions)];
    }

    [Fact]
    public void The_copy_that_draws_is_its_state()
    {
        using var scope = NewDisposeScope();
        using var saved = Made(Plain with { Iteration = 4 });
        using var resumed = Made(Plain with { Iteration = 4 });
        var (one, other) = (new CaptionNetwork(), new CaptionNetwork());
        Prefer(saved, 1, -2, 3, 0.5);
        one.Descend(saved, 0);
        Prefer(saved, 0, 5, 0, 0);
        Assert.True(((IStateful)resumed).Load(((IStateful)saved).Save()).IsOk);
        one.Descend(saved, 1);
        other.Descend(resumed, 1);
        Assert.Equal(one.Calls.SelectMany(static call => call.Captions), other.Calls.SelectMany(static call => call.Captions));
        Assert.False(((IStateful)resumed).Load(new PartState(1, [])).IsOk);
    }

    [Fact]
    public void Evaluations_draw_the_likeliest_selection_of_each_caption()
    {
        using var scope = NewDisposeScope();
        using var algorithm = Made(Plain with { Picks = 2, Join = ", " });
        var embeddings = RandomKey.OfRun(2).Normal([2, 6], CPU);
        Assert.Equal(["x, A, B", "y, A, B"], algorithm.Write(["x", "y"], embeddings));
        Prefer(algorithm, 0, 0, 2, 1);
        Assert.Equal(["x, C, D", "y, C, D"], algorithm.Write(["x", "y"], embeddings));
        // The head tells captions apart, whatever the length of their embeddings and the others of the batch.
        using (no_grad()) algorithm.Parameters[0].Value.copy_(RandomKey.OfRun(4).Normal([4, 4], CPU) * 20);
        var both = algorithm.Write(["x", "x"], embeddings);
        Assert.NotEqual(both[0], both[1]);
        Assert.Equal([both[1]], algorithm.Write(["x"], embeddings.narrow(0, 1, 1) * 1000));
        using var silent = Made(Plain with { Fragments = ["", "A"], Picks = 2, Join = ", " });
        Assert.Equal(["x, A"], silent.Write(["x"], embeddings.narrow(0, 0, 1)));
        using var blind = Made(Plain with { Features = 0 });
        Assert.Single(blind.Parameters);
        Assert.Equal(["xA"], blind.Write(["x"], embeddings.narrow(0, 0, 1)));
    }

    [Fact]
    public void Scores_look_at_the_direction_of_an_embedding_and_begin_at_nothing()
    {
        using var scope = NewDisposeScope();
        using var selector = new Selector(3, 4, CPU);
        var embeddings = RandomKey.OfRun(6).Normal([2, 6], CPU);
        Assert.All(selector.Now(embeddings), static row => Assert.Equal([0, 0, 0], row));
        using (no_grad()) selector.Parameters[0].Value.copy_(RandomKey.OfRun(7).Normal([3, 4], CPU));
        var scores = selector.Now(embeddings);
        Assert.All(scores.Zip(selector.Now(embeddings * 1000)), static pair => Assert.All(pair.First.Zip(pair.Second), static one => Assert.Equal(one.First, one.Second, 1e-5)));
        Assert.NotEqual(scores[0], scores[1]);
        Assert.All(selector.Now(zeros(1, 6)), static row => Assert.Equal([0, 0, 0], row));
        // What draws waits for its copy.
        Assert.All(selector.Drawing(embeddings), static row => Assert.Equal([0, 0, 0], row));
        selector.Copy(0);
        Assert.Equal(scores, selector.Drawing(embeddings));
    }

    private static DroEmAlgorithm Made(DroEmSettings settings) => Recording.Require(DroEmAlgorithm.Of("dro-em", settings, CPU));

    private static void Prefer(DroEmAlgorithm algorithm, params double[] scores)
    {
        using var _ = no_grad();
        algorithm.Parameters[^1].Value.copy_(tensor(scores).to(float32));
    }
}
