using static LeapAlign.Algorithms.Selection.Tests.DroEmTests;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>Selections that are judged by the rewards of what they draw.</summary>
public sealed class OnlineEvidenceTests
{
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
}
