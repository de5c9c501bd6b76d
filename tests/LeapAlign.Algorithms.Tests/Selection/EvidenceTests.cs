using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

public sealed class EvidenceTests
{
    private static readonly double[] s_logarithms = [-1.2, -0.4, -2.5];
    private static readonly double[] s_scores = [0.5, 0.1, -0.2];

    [Fact]
    public void Weights_are_the_recorded_ones() => Near([0.285871701, 0.636219171, 0.077909127], Evidence.Of(s_logarithms, 0).Weights);

    [Fact]
    public void The_posterior_and_the_marginal_of_enumerated_selections_are_the_recorded_ones()
    {
        var prior = s_scores.Select(static score => score - Math.Log(s_scores.Sum(Math.Exp)));
        var evidence = Evidence.Of([.. prior.Zip(s_logarithms, static (one, other) => one + other)], 0);
        Near([0.380639172, 0.567846918, 0.051513910], evidence.Weights);
        Assert.Equal(-1.007396636, evidence.Marginal + Math.Log(3), 5e-10);
        // Far below where an exponential is 0.
        Assert.Equal(-1e4 + Evidence.Of(s_logarithms, 0).Marginal, Evidence.Of([.. s_logarithms.Select(static value => value - 1e4)], 0).Marginal, 1e-9);
    }

    [Fact]
    public void The_gradient_of_the_selectors_loss_is_the_recorded_one()
    {
        using var scope = NewDisposeScope();
        var scores = tensor(s_scores).requires_grad_();
        var weights = Evidence.Of(s_logarithms, 0).Weights;
        foreach (var pick in Enumerable.Range(0, 3)) (PlackettLuce.LogProbability(scores.unsqueeze(0), tensor([(long)pick]).unsqueeze(0)) * -weights[pick]).sum().backward();
        Near([0.175615922, -0.326874766, 0.151258844], [.. scores.grad!.data<double>()]);
    }

    [Fact]
    public void The_probability_of_an_order_is_the_recorded_one_and_all_orders_add_up_to_one()
    {
        using var scope = NewDisposeScope();
        var scores = tensor([0.5, 0.1, -0.2, -1.0]).requires_grad_();
        Tensor Of(params long[] picks) => PlackettLuce.LogProbability(scores.unsqueeze(0), tensor(picks).unsqueeze(0));
        Assert.Equal(-1.813467073, Of(1, 0).item<double>(), 5e-10);
        Assert.NotEqual(Of(1, 0).item<double>(), Of(0, 1).item<double>(), 1e-3);
        foreach (var picks in new[] { 1, 2, 3, 4 })
            Assert.Equal(1, Orders(4, picks).Sum(order => Math.Exp(Of([.. order.Select(static pick => (long)pick)]).item<double>())), 1e-12);
        // All that is left is certain, and its gradient is 0.
        Of(2, 0, 3, 1).sum().backward();
        Assert.True(scores.grad!.isfinite().all().item<bool>());
        Assert.Equal(0, scores.grad!.sum().item<double>(), 1e-12);
    }

    [Fact]
    public void Rows_of_a_batch_are_selections_of_their_own()
    {
        using var scope = NewDisposeScope();
        var scores = RandomKey.OfRun(1).Normal([3, 5], CPU).to(float64);
        var picks = tensor(new long[,] { { 0, 4 }, { 3, 1 }, { 2, 0 } });
        var all = PlackettLuce.LogProbability(scores, picks).data<double>().ToArray();
        for (var row = 0; row < 3; row++)
            Assert.Equal(PlackettLuce.LogProbability(scores.narrow(0, row, 1), picks.narrow(0, row, 1)).item<double>(), all[row], 1e-14);
    }

    [Fact]
    public void Draws_have_the_distribution_and_the_likeliest_picks_are_in_order()
    {
        using var scope = NewDisposeScope();
        double[] scores = [0.5, 1.5, -0.2, -1];
        const int count = 20_000;
        var random = RandomKey.OfRun(9).Open();
        var drawn = Enumerable.Range(0, count).Select(_ => string.Join(',', PlackettLuce.Draw(scores, 2, random))).CountBy(static order => order).ToDictionary();
        foreach (var order in Orders(4, 2))
        {
            var share = Math.Exp(PlackettLuce.LogProbability(tensor(scores).unsqueeze(0), tensor(order.Select(static pick => (long)pick).ToArray()).unsqueeze(0)).item<double>());
            // Five standard deviations.
            Assert.Equal(share, drawn.GetValueOrDefault(string.Join(',', order)) / (double)count, 5 * Math.Sqrt(share * (1 - share) / count));
        }
        Assert.Equal([1, 0, 2], PlackettLuce.Best(scores, 3));
        Assert.Equal([0, 1], PlackettLuce.Best([2, 2, 2], 2));
    }

    [Fact]
    public void Evidence_that_rests_on_too_few_selections_is_flattened_to_the_least()
    {
        double[] logarithms = [0, -8, -9, -30];
        Assert.Equal(1, Evidence.Of(logarithms, 0).Effective, 1e-2);
        var flat = Evidence.Of(logarithms, 2);
        Assert.Equal(2, flat.Effective, 1e-9);
        Assert.InRange(flat.Share, 0.01, 0.99);
        Assert.Equal(1, flat.Weights.Sum(), 1e-12);
        Assert.Equal(flat.Weights.OrderDescending(), flat.Weights);
        Assert.Equal(8 * flat.Share, Math.Log(flat.Weights[0] / flat.Weights[1]), 1e-9);
        // What the model says of the picture is not flattened.
        Assert.Equal(Evidence.Of(logarithms, 0).Marginal, flat.Marginal);
        // Enough: nothing is done.
        Assert.Equal(1, Evidence.Of([0, 0.1, 0.2, 0], 2).Share);
        // More than there are.
        Assert.All(Evidence.Of(logarithms, 5).Weights, static weight => Assert.Equal(0.25, weight, 1e-12));
    }

    [Fact]
    public void With_selections_enumerated_and_a_full_maximisation_the_marginal_never_falls()
    {
        // Five answers to one question, whose likelihood under each of four selections is fixed: the selector is the mean posterior.
        var random = RandomKey.OfRun(3).Open();
        double[][] answers = [.. Enumerable.Range(0, 5).Select(_ => Enumerable.Range(0, 4).Select(_ => -3 * random.NextDouble()).ToArray())];
        double[] prior = [0.25, 0.25, 0.25, 0.25];
        List<double> marginals = [];
        for (var iteration = 0; iteration < 30; iteration++)
        {
            var found = answers.Select(answer => Evidence.Of([.. answer.Zip(prior, static (one, share) => one + Math.Log(share))], 0)).ToList();
            marginals.Add(found.Average(static each => each.Marginal + Math.Log(4)));
            prior = [.. Enumerable.Range(0, 4).Select(selection => found.Average(each => each.Weights[selection]))];
        }
        Assert.All(marginals.Zip(marginals.Skip(1)), static pair => Assert.True(pair.Second >= pair.First - 1e-13));
        Assert.True(marginals[^1] > marginals[0] + 0.01);
    }

    private static IEnumerable<int[]> Orders(int count, int picks) => picks == 0
        ? [[]]
        : Orders(count, picks - 1).SelectMany(before => Enumerable.Range(0, count).Where(next => !before.Contains(next)).Select(next => (int[])[.. before, next]));

    private static void Near(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
}
