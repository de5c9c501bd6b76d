using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Fitting;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Fitting;

/// <summary>A last layer that is solved for, with the penalty at which what is set aside is told best.</summary>
public sealed class RidgeLayerTests : IDisposable
{
    private const int Rows = 60, Inputs = 12;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Few rows, much noise: no penalty overfits, a large one forgets.
    private static (Tensor Inputs, Tensor Targets, bool[] Aside) Noisy(double noise = 2)
    {
        var key = RandomKey.OfRun(3);
        var inputs = (key.For("inputs").Normal([Rows, Inputs], CPU).to(float64) * 0.7) + 2;
        var targets = inputs.matmul(key.For("weights").Normal([Inputs], CPU).to(float64)) + (key.For("noise").Normal([Rows], CPU).to(float64) * noise) - 5;
        return (inputs, targets, [.. Enumerable.Range(0, Rows).Select(static row => row % 3 == 1)]);
    }

    // By its own lines: the regression with a column of ones that has no penalty.
    private static Tensor Solved(Tensor inputs, Tensor targets, double lambda)
    {
        var wide = cat([inputs, ones(inputs.shape[0], 1, dtype: float64)], 1);
        var penalty = diag(cat([full(Inputs, lambda, dtype: float64), zeros(1, dtype: float64)]));
        return linalg.solve((wide.t().matmul(wide) / inputs.shape[0]) + penalty, wide.t().matmul(targets) / inputs.shape[0]);
    }

    private static double Error((Tensor Inputs, Tensor Targets, bool[] Aside) data, double lambda)
    {
        var aside = tensor(data.Aside);
        var weights = Solved(data.Inputs[~aside], data.Targets[~aside], lambda);
        return (data.Inputs[aside].matmul(weights.narrow(0, 0, Inputs)) + weights[Inputs] - data.Targets[aside]).square().mean().item<double>();
    }

    [Fact]
    public void The_penalty_is_where_what_is_set_aside_is_told_best()
    {
        var data = Noisy();
        var found = RidgeLayer.Of(data.Inputs, data.Targets, data.Aside).Value();
        Assert.Equal(Error(data, found.Lambda), found.Error, 1e-10);
        // A minimum, between no penalty and one that forgets.
        foreach (var factor in new[] { 1e-6, 0.9, 1.1, 1e4 }) Assert.True(Error(data, found.Lambda * factor) > found.Error, $"{factor}");
        Assert.Equal(0, Error(data, found.Lambda * 1.0001) - Error(data, found.Lambda / 1.0001), 1e-10);
    }

    [Fact]
    public void The_layer_is_that_of_all_rows_with_an_intercept_that_has_no_penalty()
    {
        var data = Noisy();
        var found = RidgeLayer.Of(data.Inputs, data.Targets, data.Aside).Value();
        var expected = Solved(data.Inputs, data.Targets, found.Lambda);
        Assert.True((found.Weights - expected.narrow(0, 0, Inputs)).abs().max().item<double>() < 1e-9);
        Assert.Equal(expected[Inputs].item<double>(), found.Intercept, 1e-9);
        // Targets moved by a constant move the intercept alone.
        var moved = RidgeLayer.Of(data.Inputs, data.Targets + 100, data.Aside).Value();
        Assert.Equal(found.Lambda, moved.Lambda, found.Lambda * 1e-6);
        Assert.Equal(found.Intercept + 100, moved.Intercept, 1e-6);
    }

    [Fact]
    public void Without_noise_the_penalty_is_small_and_without_signal_large()
    {
        var exact = RidgeLayer.Of(Noisy(0).Inputs, Noisy(0).Targets, Noisy().Aside).Value();
        Assert.True(exact.Error < 1e-8);
        var (inputs, _, aside) = Noisy();
        var nothing = RidgeLayer.Of(inputs, RandomKey.OfRun(9).Normal([Rows], CPU).to(float64), aside).Value();
        Assert.True(nothing.Lambda > 100 * exact.Lambda);
        Assert.True(nothing.Weights.norm().item<double>() < 0.2);
    }

    // One number for each of several inputs that never vary: the regression without penalty is singular.
    [Fact]
    public void Inputs_that_do_not_vary_do_no_harm()
    {
        var data = Noisy();
        var inputs = cat([data.Inputs, ones(Rows, 2, dtype: float64), data.Inputs.narrow(1, 0, 1)], 1);
        var found = RidgeLayer.Of(inputs, data.Targets, data.Aside).Value();
        Assert.True(found.Weights.isfinite().all().item<bool>());
        Assert.True(found.Weights.narrow(0, Inputs, 2).abs().max().item<double>() < 1e-9);
    }

    // Captions with three samples at two noise levels each.
    [Fact]
    public void Captions_are_set_aside_whole_and_the_layer_is_put_in_its_place()
    {
        using var rows = new FitRows(ScalarType.Float32);
        List<string> captions = [];
        for (var sample = 0; sample < 24; sample++)
        {
            captions.Add($"caption {sample / 3}");
            foreach (var sigma in new[] { 0, 0.5 })
            {
                var features = RandomKey.OfRun(sample).For("features").Normal([4], CPU);
                rows.Add(features, sigma, 3 + (2 * ((features[0].item<float>() * 1.5) - features[2].item<float>() + 0.25)));
            }
        }
        var fit = new Layered();
        var options = new FitOptions("head") { Ridge = true, Batch = 7 };
        var layer = LastLayerSolution.Of(options, RandomKey.OfRun(1), fit, captions).Value();
        // Two of eight captions, each with its six rows.
        var aside = layer.Aside(rows);
        Assert.Equal(12, aside.Count(static row => row));
        Assert.All(Enumerable.Range(0, 48), row => Assert.Equal(layer.IsAside(captions[row / 2]), aside[row]));
        var solved = layer.Solve(fit, rows, (3, 2), CPU).Value();
        Assert.True(solved.Error < 1e-6);
        Assert.All(new[] { 1.5f, 0, -1, 0 }.Zip(fit.Weights!), static pair => Assert.Equal(pair.First, pair.Second, 1e-2f));
        Assert.Equal(0.25, fit.Intercept, 1e-2);
        Assert.Equal([0, 0.5], fit.Levels.Distinct().Order());
        LastLayerSolution.Of(options, RandomKey.OfRun(1), fit, [.. captions.Select(static _ => "one")]).Fault(FaultCodes.CannotFit, "one caption is there to learn from");
        LastLayerSolution.Of(options, RandomKey.OfRun(1), new FitCase().Fit, captions).Fault(FaultCodes.CannotFit, "the reward 'head' has no last layer to solve for");
    }

    // All weights a little larger are a penalty that is a little smaller: what the weights of all samples do is what λ does, the other way round.
    [Fact]
    public void The_effects_of_all_samples_together_are_that_of_the_penalty()
    {
        const double offset = 3, scale = 2;
        (FitRows Rows, Tensor Inputs, Tensor Targets) Drawn(string what, int samples)
        {
            var rows = new FitRows(ScalarType.Float32);
            List<Tensor> inputs = [];
            List<double> targets = [];
            for (var sample = 0; sample < samples; sample++)
            {
                var score = 3 + RandomKey.OfRun(sample).For(what).For("score").Open().NextNormal();
                foreach (var sigma in new[] { 0, 0.5 })
                {
                    inputs.Add(RandomKey.OfRun(sample).For(what).For(FormattableString.Invariant($"at {sigma}")).Normal([4], CPU));
                    targets.Add((score - offset) / scale);
                    rows.Add(inputs[^1], sigma, score);
                }
            }
            return (rows, stack(inputs).to(float64), tensor(targets.ToArray()));
        }
        var (learnt, others) = (Drawn("learnt", 30), Drawn("others", 7));
        using (learnt.Rows)
        using (others.Rows)
        {
            var (fit, captions) = (new Layered(), Enumerable.Range(0, 30).Select(static sample => $"caption {sample}").ToArray());
            var layer = LastLayerSolution.Of(new FitOptions("head") { Ridge = true, Effects = "-", Batch = 7 }, RandomKey.OfRun(1), fit, captions).Value();
            var lambda = layer.Solve(fit, learnt.Rows, (offset, scale), CPU).Value().Lambda;
            layer.Judge(fit, others.Rows, (offset, scale), CPU);
            double At(double penalty)
            {
                var wide = cat([learnt.Inputs, ones(60, 1, dtype: float64)], 1);
                var solution = linalg.solve((wide.t().matmul(wide) / 60) + diag(cat([full(4, penalty, dtype: float64), zeros(1, dtype: float64)])), wide.t().matmul(learnt.Targets) / 60);
                return (others.Inputs.matmul(solution[..4]) + solution[4] - others.Targets).square().mean().item<double>();
            }
            var effects = layer.Effects(scale).Value();
            Assert.Equal(30, effects.Count);
            Assert.Equal(-(At(lambda * 1.0001) - At(lambda / 1.0001)) / 2e-4 * scale * scale, effects.Sum(), 1e-6);
            Assert.True(Math.Abs(effects.Sum()) > 1e-4, $"{effects.Sum()}");
        }
    }

    private sealed class Layered : ILastLayerFit
    {
        public float[]? Weights { get; private set; }

        public double Intercept { get; private set; }

        public List<double> Levels { get; } = [];

        public Tensor LastInputs(Tensor features, IReadOnlyList<double> sigmas)
        {
            Assert.Equal(features.shape[0], sigmas.Count);
            Levels.AddRange(sigmas);
            return features.alias();
        }

        public void SetLastLayer(Tensor weights, double intercept) => (Weights, Intercept) = (weights.data<float>().ToArray(), intercept);

        public Tensor Features(LatentSamples samples) => throw new NotSupportedException();

        public Tensor Score(Tensor features, IReadOnlyList<double> sigmas) => throw new NotSupportedException();

        public double LearnScores(int update, Tensor features, IReadOnlyList<double> sigmas, Tensor scores, FitSlopes? slopes = null) => throw new NotSupportedException();

        public double LearnPairs(int update, Tensor preferred, Tensor rejected, IReadOnlyList<double> sigmas) => throw new NotSupportedException();

        public FittedFile ToFile(IReadOnlyDictionary<string, string> record) => new([], record);

        public void Dispose()
        {
        }
    }
}
