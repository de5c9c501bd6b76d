using System.Globalization;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Fitting;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Fitting;

/// <summary>What a reward is given to learn from, and what it is measured by, where all of it is known.</summary>
public sealed class FitWorkTests : IDisposable
{
    private const int Latents = 8;
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-fit-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_head_that_is_the_reward_has_its_gradient(float sign)
    {
        var work = new FitCase { Sign = sign };
        var quality = work.Run(FitCase.Captions).Value().Quality;
        Assert.Equal((sign, sign), (Math.Round(quality[0].Quality.Gradient!.Value, 6), Math.Round(quality[0].Quality.FittedGradient!.Value, 6)));
        Assert.Equal(sign, quality[0].Quality.Pearson!.Value, 6);
        // Noise is in what is looked at alone; there are no gradients there.
        Assert.Equal((null, null), (quality[1].Quality.Gradient, quality[1].Quality.FittedGradient));
        Assert.InRange(quality[1].Quality.Pearson!.Value * sign, 0.1, 0.999);
    }

    [Fact]
    public void Gradients_of_both_are_those_of_differences_and_belong_to_their_samples()
    {
        var (work, prompts) = (new FitCase(), FitCase.Captions.Take(6).ToArray());
        var latents = RandomKey.OfRun(5).Normal([6, 2, 2, 2], CPU);
        var (pixels, head) = (work.Samples.GradientOf(work.Teacher, latents, prompts)!, work.Samples.GradientOf(work.Fit, latents, prompts));
        var expected = FitCase.Slope(latents.flatten(1), prompts.Select(static prompt => (long)prompt.Id)).view_as(latents);
        Agreement.Values(pixels, expected, "pixels", tolerance: 1e-5);
        Agreement.Values(head, expected, "head", tolerance: 1e-5);
        // The polynomial is of degree two: differences are exact but for rounding.
        var along = RandomKey.OfRun(6).Normal([6, 2, 2, 2], CPU);
        Tensor At(double by) => work.Samples.ScoresOf(work.Teacher, latents + (along * by), prompts).to(ScalarType.Float64);
        Agreement.Values((pixels * along).flatten(1).sum(1).to(ScalarType.Float64), (At(0.5) - At(-0.5)), "differences", tolerance: 1e-4);
        double Cosine(Tensor gradients) => work.Samples.Cosines(work.Fit, [.. prompts.Select((prompt, i) => new Drawn(latents[i], prompt, 0, 0, gradients[i]))]).Average();
        Assert.Equal((1, -1), (Math.Round(Cosine(pixels), 6), Math.Round(Cosine(-pixels), 6)));
        Assert.True(Cosine(pixels.roll(1, 0)) < 0.7, $"{Cosine(pixels.roll(1, 0))}");
    }

    [Fact]
    public void Slopes_are_the_gradient_of_the_squared_error_of_gradients()
    {
        const double scale = 4;
        var (work, prompts) = (new FitCase(), FitCase.Captions.Take(3).ToArray());
        var latents = RandomKey.OfRun(5).Normal([3, 2, 2, 2], CPU);
        var target = RandomKey.OfRun(7).Normal([3, 2, 2, 2], CPU) * 2;
        using var weights = RandomKey.OfRun(8).Normal([Latents], CPU).requires_grad_();
        var slopes = work.Samples.Slopes(new Waves(weights, scale), latents, prompts, target, scale);
        using var _ = enable_grad();
        // The derivative of Σ‖∇h − g‖² / Σ‖g‖² with respect to the weights of h = Σ w sin x, by hand: ∇h = w cos x.
        var cosine = latents.flatten(1).cos();
        var (own, wanted) = (weights * cosine, target.flatten(1) / scale);
        var expected = autograd.grad([(own - wanted).square().sum() / wanted.square().sum()], [weights])[0];
        Tensor Height(Tensor features) => features.sin().matmul(weights);
        var actual = autograd.grad([((Height(slopes.Above) - Height(slopes.Below)) * slopes.Factors).mean()], [weights])[0];
        Agreement.Values(actual, expected, "slopes", tolerance: 2e-3);
    }

    [Fact]
    public void Rows_are_samples_of_captions_that_are_not_held_out_with_their_own_scores_and_noise()
    {
        var work = new FitCase();
        var outcome = work.Run(FitCase.Captions).Value();
        var rows = work.Learnt.SelectMany(static batch => Enumerable.Range(0, batch.Sigmas.Length).Select(row => (Features: batch.Features[row], Sigma: batch.Sigmas[row], Score: batch.Scores[row].item<float>()))).ToArray();
        Assert.Equal(20 * 8, rows.Length);
        Assert.Equal([0, 0.5], rows.Select(static row => row.Sigma).Distinct().Order());
        Assert.All(rows, static row => Assert.Equal(row.Sigma, row.Features[Latents + 1].item<float>()));
        long Caption(Tensor features) => (long)features[Latents].item<float>();
        var clean = rows.Where(static row => row.Sigma == 0).ToArray();
        foreach (var (features, _, score) in clean) Assert.Equal(FitCase.Score(features.narrow(0, 0, Latents).unsqueeze(0), [Caption(features)]).item<float>(), score, 1e-3);
        // Noisy rows are their clean ones, halved, and noise of length one beside.
        foreach (var (features, _, score) in rows.Where(static row => row.Sigma == 0.5))
        {
            if (clean.FirstOrDefault(row => row.Score == score).Features is not { } own) continue;
            var noise = (features - (own * 0.5)).narrow(0, 0, Latents) * 2;
            Assert.InRange(noise.square().mean().item<float>(), 0.05, 5);
            Assert.Equal(Caption(own), Caption(features));
        }
        var slopes = work.Learnt.Select(static batch => batch.Slopes!).ToArray();
        Assert.All(slopes, static slope => Assert.Equal((3, 3), (slope.Above.shape[0], slope.Factors.shape[0])));
        // The head is the reward already: no gradient is wrong, so that nothing moves.
        Assert.All(slopes, static slope => Assert.True(slope.Factors.abs().max().item<float>() < 1e-2));
        var learnt = rows.Select(row => Caption(row.Features)).Concat(slopes.SelectMany(slope => Enumerable.Range(0, 3).Select(row => Caption(slope.Above[row])))).ToHashSet();
        // Three of twelve captions are held out, each with three or four of the forty pictures.
        Assert.InRange(learnt.Count, 7, 9);
        Assert.InRange(outcome.Quality[0].Quality.Count, 9, 12);
        Assert.Equal(outcome.Quality[0].Quality.Count, 40 - int.Parse(outcome.File.Metadata["fit.samples"], CultureInfo.InvariantCulture));
        foreach (var side in new[] { "held-out.gradient", "fitted.gradient" }) Assert.Equal(1, double.Parse(outcome.File.Metadata[side], CultureInfo.InvariantCulture), 1e-6);
    }

    // Twelve captions: three are held out, three of the other nine are set aside, and the updates see six.
    [Fact]
    public void A_layer_that_is_solved_for_has_its_penalty_from_captions_that_nothing_learns_from()
    {
        var work = new FitCase { Options = new FitCase().Options with { Ridge = true } };
        var outcome = work.Run(FitCase.Captions).Value();
        long[] learnt = [.. work.Learnt.SelectMany(static batch => batch.Features.select(1, Latents).data<float>().ToArray().Concat(batch.Slopes!.Above.select(1, Latents).data<float>().ToArray())).Select(static caption => (long)caption).Distinct()];
        Assert.Equal(6, learnt.Length);
        Assert.Equal(Latents, work.Layer!.Value.Weights.Length);
        Assert.True(double.Parse(outcome.File.Metadata["fit.ridge"], CultureInfo.InvariantCulture) > 0);
        Assert.DoesNotContain("fit.ridge", new FitCase().Run(FitCase.Captions).Value().File.Metadata.Keys);

        var scores = new FitCase { Options = new FitOptions("head") { Scores = "scores.jsonl", Updates = 20, Batch = 8, Sigmas = [0], Ridge = true } };
        scores.Run(Rows(static id => $$"""{"score":{{id}}}""")).Value();
        Assert.Equal(6, scores.Learnt.SelectMany(static batch => batch.Features.select(1, Latents).data<float>().ToArray()).Distinct().Count());
        // Every latent of a picture is as bright as its number says, and so is its score: 12 levels of 20 bytes.
        Assert.Equal(255.0 / 20 / 3.2, scores.Layer!.Value.Weights.Sum(), 1.5);
    }

    // A score that is wrong is the one that hurts most, by the number of its row.
    [Fact]
    public void The_row_that_hurts_most_comes_first_under_its_number()
    {
        var options = new FitOptions("head") { Scores = "scores.jsonl", Updates = 5, Batch = 8, Sigmas = [0, 0.5], Ridge = true, Effects = "effects.csv" };
        var plain = new FitCase { Options = options }.Run(Rows(static id => $$"""{"score":{{id}}}""")).Value().Effects;
        // Three of the twelve captions are held out.
        Assert.Equal(9, plain.Count);
        Assert.Equal(plain.OrderByDescending(static each => each.Effect), plain);
        Assert.All(plain, static each => Assert.Equal($"{(each.Row - 1) * 20}.png caption {each.Row - 1} {each.Row - 1}", $"{Path.GetFileName(each.Picture)} {each.Caption} {each.Score}"));
        var wrong = plain.OrderBy(static each => each.Row).ElementAt(4).Row;
        var effects = new FitCase { Options = options }.Run(Rows(id => $$"""{"score":{{(id == wrong - 1 ? 60 : id)}}}""")).Value().Effects;
        Assert.Equal((wrong, 60), (effects[0].Row, effects[0].Score));
        Assert.True(effects[0].Effect > 0 && effects[0].Effect > 3 * Math.Abs(plain[0].Effect));
        Assert.Empty(new FitCase { Options = options with { Effects = null } }.Run(Rows(static id => $$"""{"score":{{id}}}""")).Value().Effects);

        // What is drawn has the number of the picture; errors are in the unit of the scores.
        FitCase Drawings(float unit) => new() { Sign = unit, Flat = images => unit * images.flatten(1).square().mean([1]), Options = new FitCase().Options with { Ridge = true, Effects = "-", Slopes = 0 } };
        var drawn = Drawings(1).Run(FitCase.Captions).Value();
        Assert.Equal(int.Parse(drawn.File.Metadata["fit.samples"], CultureInfo.InvariantCulture), drawn.Effects.Count);
        Assert.Equal(Enumerable.Range(1, drawn.Effects.Count), drawn.Effects.Select(static each => each.Row).Order());
        var tenfold = Drawings(10).Run(FitCase.Captions).Value().Effects;
        Assert.Equal(100, tenfold[0].Effect / drawn.Effects[0].Effect, 0.5);
        Assert.Equal(drawn.Effects[0].Row, tenfold[0].Row);
    }

    [Theory]
    [InlineData("""{"score":0.5}""", null)]
    [InlineData("""{"score":"0.25"}""", null)]
    [InlineData("""{"Score":1}""", "row 3 ('caption 2') has no 'score' that is a number")]
    [InlineData("""{"score":"good"}""", "has no 'score'")]
    [InlineData("""{"score":"NaN"}""", "has no 'score'")]
    [InlineData("""{"score":null}""", "has no 'score'")]
    [InlineData("no json", "has no 'score'")]
    public void A_row_without_a_score_is_named(string metadata, string? words)
    {
        var work = new FitCase { Options = new FitOptions("head") { Scores = "scores.jsonl", Updates = 20, Batch = 4, Sigmas = [0] } };
        var rows = Rows(static id => $$"""{"score":{{id}}}""").Select(row => row.Id == 2 ? row with { Metadata = metadata } : row).ToArray();
        var result = work.Run(rows);
        if (words is null)
        {
            // Three of the twelve captions are held out.
            Assert.Equal(3, result.Value().Quality[0].Quality.Count);
            // A picture is as bright as its number says, and so is its score.
            HashSet<int> learnt = [];
            foreach (var (features, _, scores, _) in work.Learnt)
            {
                for (var row = 0; row < 4; row++)
                {
                    var id = (int)features[row][Latents].item<float>();
                    learnt.Add(id);
                    Assert.Equal(id != 2 ? id : metadata.Contains("0.25", StringComparison.Ordinal) ? 0.25f : 0.5f, scores[row].item<float>());
                    Assert.Equal(id * 20 / 255f, features[row][0].item<float>(), 1e-5f);
                }
            }
            Assert.InRange(learnt.Count, 7, 9);
        }
        else
        {
            Assert.Equal("scores.jsonl", result.Fault(FaultCodes.CannotFit, words).Place!.File);
            Assert.Empty(work.Learnt);
        }
    }

    [Fact]
    public void Scores_that_are_all_the_same_teach_nothing()
    {
        new FitCase { Options = new FitOptions("head") { Scores = "scores.jsonl" } }.Run(Rows(static _ => """{"score":1}""")).Fault(FaultCodes.CannotFit, "gives 1 to every sample");
        new FitCase { Flat = static images => images.flatten(1).mean([1]) * 0 }.Run(FitCase.Captions).Fault(FaultCodes.CannotFit, "'pixels' gives 0 to every sample");
        var thrown = Assert.Throws<FaultException>(() => new FitCase { Flat = static images => images.flatten(1).mean([1]) / 0 }.Run(FitCase.Captions));
        Assert.Equal(FaultCodes.CannotFit, thrown.Fault.Code);
    }

    [Fact]
    public void Too_few_captions_are_refused()
    {
        new FitCase().Run([FitCase.Captions[0]]).Fault(FaultCodes.CannotFit, "there are 1 different captions");
        new FitCase { Options = new FitOptions("head") { Scores = "scores.jsonl" } }.Run([.. Rows(static id => $$"""{"score":{{id}}}""").Take(3)]).Fault(FaultCodes.CannotFit, "2 samples are there to learn from and 1 to be measured by");
    }

    [Fact]
    public void A_picture_that_is_not_there_is_named()
    {
        var rows = Rows(static id => $$"""{"score":{{id}}}""").Select(static row => row with { Pictures = [row.Pictures[0] + ".gone", .. row.Pictures.Skip(1)] }).ToArray();
        foreach (var options in new[] { new FitOptions("head") { Scores = "scores.jsonl" }, new FitOptions("head") { Pairs = "pairs.jsonl" } })
        {
            var fault = Assert.Throws<FaultException>(() => new FitCase { Options = options }.Run(rows)).Fault;
            Assert.Contains(".gone", fault.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Pairs_are_given_the_preferred_first()
    {
        var work = new FitCase { Options = new FitOptions("head") { Pairs = "pairs.jsonl", Updates = 2, Batch = 4, Sigmas = [0] } };
        var quality = work.Run(Rows(static _ => "{}")).Value().Quality[0].Quality;
        Assert.Equal((3, null, null), (quality.Count, quality.Pearson, quality.FittedGradient));
        foreach (var (preferred, rejected) in work.Pairs)
        {
            for (var row = 0; row < 4; row++)
            {
                var id = (int)preferred[row][Latents].item<float>();
                Assert.Equal(id, (int)rejected[row][Latents].item<float>());
                Assert.Equal(id * 20 / 255f, preferred[row][0].item<float>(), 1e-5f);
                Assert.Equal(1, rejected[row][0].item<float>(), 1e-5f);
            }
        }
        Assert.Equal(2, work.Pairs.Count);
        Assert.Empty(work.Learnt);
    }

    // Twelve grey pictures, each beside a white one.
    private Prompt[] Rows(Func<int, string> metadata)
    {
        string Picture(byte level)
        {
            var path = Path.Combine(_folder, $"{level}.png");
            using var bitmap = new SKBitmap(FitCase.Size, FitCase.Size);
            bitmap.Erase(new SKColor(level, level, level));
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(path, data.ToArray());
            return path;
        }
        var white = Picture(255);
        return [.. FitCase.Captions.Select(caption => caption with { Metadata = metadata(caption.Id), Pictures = [Picture((byte)(caption.Id * 20)), white] })];
    }

    // h = Σ w sin x, of a scale.
    private sealed class Waves(Tensor weights, double scale) : IRewardFit
    {
        public Tensor Features(LatentSamples samples) => samples.Latents.flatten(1);

        public Tensor Score(Tensor features, IReadOnlyList<double> sigmas) => (features.sin().matmul(weights) * scale) + 3;

        public double LearnScores(int update, Tensor features, IReadOnlyList<double> sigmas, Tensor scores, FitSlopes? slopes) => throw new NotSupportedException();

        public double LearnPairs(int update, Tensor preferred, Tensor rejected, IReadOnlyList<double> sigmas) => throw new NotSupportedException();

        public FittedFile ToFile(IReadOnlyDictionary<string, string> record) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
