using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.LatentHead.Tests;

/// <summary>The reward <c>latent-head</c>: its mathematics, how it learns, its file, and what it refuses.</summary>
public sealed class HeadTests : IDisposable
{
    private static readonly double[] s_sigmas = [0, 0.5];
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-head-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    private string File => Path.Combine(_folder, "head.safetensors");

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Its_gradients_are_those_of_differences()
    {
        var shape = new HeadShape(6, 3, 5);
        using var head = new Head(shape, [.. shape.Tensors.Select(tensor => RandomKey.OfRun(4).For(tensor.Name).Normal(tensor.Shape, CPU).to(ScalarType.Float64))]);
        var features = RandomKey.OfRun(5).Normal([2, (4 * 6) + 3], CPU).to(ScalarType.Float64);
        foreach (var point in head.Tensors.Append(features))
        {
            point.requires_grad_();
            var gradient = autograd.grad([head.Forward(features, s_sigmas).sum()], [point])[0];
            point.requires_grad_(false);
            var along = RandomKey.OfRun(6).Normal(point.shape, CPU).to(ScalarType.Float64);
            const double step = 1e-5;
            double At(double by)
            {
                using var _ = no_grad();
                point.add_(along * by);
                var value = head.Forward(features, s_sigmas).sum().item<double>();
                point.sub_(along * by);
                return value;
            }
            var expected = (At(step) - At(-step)) / (2 * step);
            Assert.True(Math.Abs(expected) > 1e-6, "a tensor without effect");
            Assert.Equal(expected, (gradient * along).sum().item<double>(), Math.Abs(expected) * 1e-6);
        }
    }

    [Fact]
    public void A_sample_does_not_depend_on_its_neighbours_and_the_order_of_tokens_does_not_count()
    {
        using var head = Head.New(new HeadShape(6, 3, 5), RandomKey.OfRun(4), CPU);
        var features = RandomKey.OfRun(5).Normal([2, (4 * 6) + 3], CPU);
        var both = head.Forward(features, s_sigmas);
        Agreement.Values(head.Forward(features.narrow(0, 1, 1), [0.5]), both.narrow(0, 1, 1), "alone", tolerance: 1e-6);
        var turned = cat([features.narrow(1, 0, 24).view(2, 4, 6).flip(1).flatten(1), features.narrow(1, 24, 3)], 1);
        Agreement.Values(head.Forward(turned, s_sigmas), both, "turned", tolerance: 1e-5);
        Assert.NotEqual(both[0].item<float>(), head.Forward(features, [0.5])[0].item<float>());
    }

    [Fact]
    public void Its_last_layer_can_be_taken_and_put()
    {
        using var fit = (ILastLayerFit)Begin(new FeatureCase(), updates: 1, (3, 2));
        var features = fit.Features(FeatureCase.Samples(FeatureCase.Latents(5), 0)).detach();
        double[] sigmas = [0, 0.5, 0, 0, 0.5];
        var inputs = fit.LastInputs(features, sigmas);
        Assert.Equal((5, false), (inputs.shape[0], inputs.requires_grad));
        var weights = RandomKey.OfRun(8).Normal([inputs.shape[1]], CPU);
        fit.SetLastLayer(weights, -0.75);
        Agreement.Values(fit.Score(features, sigmas), ((inputs.matmul(weights) - 0.75) * 2) + 3, "scores", tolerance: 1e-5);
        // It goes on to learn from there.
        fit.LearnScores(0, features, sigmas, zeros(5));
        Assert.Equal(inputs.shape[1], fit.LastInputs(features, [0]).shape[1]);
    }

    [Fact]
    public void Scores_are_learnt_kept_and_read_again()
    {
        var model = new FeatureCase();
        using var fit = Begin(model, updates: 300, (3, 2));
        var samples = FeatureCase.Samples(FeatureCase.Latents(64), 0);
        var features = fit.Features(samples).detach();
        var targets = 3 + (2 * samples.Latents.flatten(1).mean([1]).mul(3).tanh());
        double[] losses = [.. Enumerable.Range(0, 300).Select(update => fit.LearnScores(update, features, [0], targets))];
        Assert.True(losses[^1] < losses[0] / 20, $"{losses[0]} to {losses[^1]}");
        Agreement.Values(fit.Score(features, [0]).detach(), targets, "learnt", tolerance: 1);
        Write(fit.ToFile(new Dictionary<string, string> { ["held-out.pearson"] = "0.5" }));
        using var reward = new LatentHeadReward(new LatentHeadSettings { Head = File }, FeatureCase.Context);
        Recording.Require(reward.Attach(model));
        using var again = FeatureCase.Samples(FeatureCase.Latents(64).requires_grad_(), 0);
        var scores = reward.Score(again);
        Assert.True(scores.detach().equal(fit.Score(features, [0]).detach()).all().item<bool>());
        scores.sum().backward();
        Assert.True(again.Latents.grad!.abs().sum().item<float>() > 0);
        using var opened = Recording.Require(SafetensorsFile.Open(File));
        Assert.Equal(("0.5", "pixels", "2"), (opened.Metadata["held-out.pearson"], opened.Metadata["source"], opened.Metadata["scale"]));
    }

    [Fact]
    public void It_looks_at_the_latents_at_their_noise_level_after_its_block()
    {
        using var features = new FeatureCase().OpenFeatures(2);
        var latents = FeatureCase.Latents(2);
        foreach (var sigma in s_sigmas)
        {
            using var samples = FeatureCase.Samples(latents, sigma);
            var tokens = latents.flatten(2).transpose(1, 2).matmul(RandomKey.OfRun(2).Normal([2, 6], CPU)).sin() + sigma;
            Agreement.Values(LatentHeadReward.Numbers(features, samples), cat([tokens.flatten(1), features.Captions(samples.Conditioning)], 1), "numbers", tolerance: 1e-6);
        }
        using (var fit = Recording.Require(new LatentHeadReward(new LatentHeadSettings { Head = File, Blocks = 2 }, FeatureCase.Context).BeginFit(new FeatureCase(), Targets(1, (0, 1)))))
        {
            Agreement.Values(fit.Features(FeatureCase.Samples(latents, 0.5)), LatentHeadReward.Numbers(features, FeatureCase.Samples(latents, 0.5)), "fitted", tolerance: 0);
            Write(fit.ToFile(new Dictionary<string, string>()));
        }
        using var reward = new LatentHeadReward(new LatentHeadSettings { Head = File }, FeatureCase.Context);
        Recording.Require(reward.Attach(new FeatureCase()));
        using var again = Recording.Require(HeadFile.Read(File, CPU)).Head;
        foreach (var sigma in s_sigmas)
        {
            using var samples = FeatureCase.Samples(latents, sigma);
            Agreement.Values(reward.Score(samples), again.Forward(LatentHeadReward.Numbers(features, samples), [sigma]).detach(), "score", tolerance: 1e-6);
        }
    }

    [Fact]
    public void Preferences_are_learnt()
    {
        using var fit = Begin(new FeatureCase(), updates: 200, (0, 1));
        var latents = FeatureCase.Latents(64);
        var better = latents.flatten(1).sum(1).sign().view(-1, 1, 1, 1);
        var (preferred, rejected) = (fit.Features(FeatureCase.Samples(latents * better, 0)).detach(), fit.Features(FeatureCase.Samples(latents * -better, 0)).detach());
        for (var update = 0; update < 200; update++) fit.LearnPairs(update, preferred, rejected, [0]);
        Assert.True((fit.Score(preferred, [0]) - fit.Score(rejected, [0])).gt(0).to(ScalarType.Float32).mean().item<float>() > 0.95);
    }

    [Fact]
    public void Slopes_move_the_score_the_way_that_they_say()
    {
        double After(float factor)
        {
            using var fit = Begin(new FeatureCase(), updates: 20, (0, 1));
            var features = fit.Features(FeatureCase.Samples(FeatureCase.Latents(8), 0)).detach();
            var (above, below) = (features.narrow(0, 0, 4), features.narrow(0, 4, 4));
            for (var update = 0; update < 20; update++) fit.LearnScores(update, features, [0], zeros(8), new FitSlopes(above, below, [0], full([4], factor)));
            return (fit.Score(above, [0]) - fit.Score(below, [0])).mean().item<float>();
        }

        // The loss is what is made small.
        Assert.True(After(5) < After(0) - 0.1 && After(-5) > After(0) + 0.1, $"{After(5)}, {After(0)}, {After(-5)}");
    }

    [Theory]
    [InlineData("form", "is 'other'")]
    [InlineData("model", "do not say 'model'")]
    [InlineData("blocks", "'blocks': 'other'; expected a whole number")]
    [InlineData("width.tokens", "'width.tokens'")]
    [InlineData("sigma.highest", "'sigma.highest': 'other'; expected a noise level")]
    [InlineData("scale", "'scale': 'other'; expected a number above 0")]
    public void Metadata_that_say_something_else_are_refused(string key, string words)
    {
        using var fit = Begin(new FeatureCase(), updates: 1, (0, 1));
        var file = fit.ToFile(new Dictionary<string, string>());
        var metadata = new Dictionary<string, string>(file.Metadata) { [key] = key == "model" ? "" : "other" };
        Write(file with { Metadata = metadata });
        var fault = Refused(new FeatureCase());
        Assert.Equal((FaultCodes.BadRewardFile, File), (fault.Code, fault.Place!.File));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_head_is_refused()
    {
        Assert.Equal(FaultCodes.BadRewardFile, Refused(new FeatureCase()).Code);
        Recording.Require(SafetensorsWriter.Write(File, [new TensorToWrite("weight", zeros(2), ScalarType.Float32)]));
        Assert.Contains("do not say 'form'", Refused(new FeatureCase()).Message, StringComparison.Ordinal);
        using var fit = Begin(new FeatureCase(), updates: 1, (0, 1));
        var file = fit.ToFile(new Dictionary<string, string>());
        Write(file with { Tensors = [.. file.Tensors.Skip(1)] });
        Assert.Contains("the tensor 'tokens.weight' is missing", Refused(new FeatureCase()).Message, StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, "no head");
        Assert.Equal(FaultCodes.DamagedWeights, Refused(new FeatureCase()).Code);
    }

    [Fact]
    public void A_head_of_another_model_or_of_another_place_is_refused()
    {
        using (var fit = Begin(new FeatureCase(), updates: 1, (0, 1))) Write(fit.ToFile(new Dictionary<string, string>()));
        void Is(Fault fault, string words)
        {
            Assert.Equal(FaultCodes.RewardOfOtherModel, fault.Code);
            Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        }
        Is(Refused(new FeatureCase(width: 7)), "takes image tokens 6 wide, but those of the model are 7 wide");
        Is(Refused(new FeatureCase(content: "fedcba9876543210")), "whose network is 0123456789ab..., but this model's is fedcba987654...");
        Is(Refused(new FeatureCase(), new LatentHeadSettings { Head = File, Blocks = 2 }), "looks after block 1, but 'blocks' is 2");
        Is(Refused(new FeatureCase(), new LatentHeadSettings { Head = File, Width = 3 }), "is 64 wide, but 'width' is 3");
        using var reward = new LatentHeadReward(new LatentHeadSettings { Head = File }, FeatureCase.Context);
        Recording.Require(reward.Attach(new FeatureCase()));
        Is(Assert.Throws<FaultException>(() => reward.Score(FeatureCase.Samples(FeatureCase.Latents(1), 0.9))).Fault, "from 0 to 0.5, but is asked at 0.9");
        Is(new LatentHeadReward(new LatentHeadSettings { Head = File, Blocks = 9 }, FeatureCase.Context).BeginFit(new FeatureCase(), Targets(1, (0, 1))).Match(static _ => null!, static fault => fault), "after block 9, but the model has 4");
    }

    private Fault Refused(FeatureCase model, LatentHeadSettings? settings = null)
    {
        using var reward = new LatentHeadReward(settings ?? new LatentHeadSettings { Head = File }, FeatureCase.Context);
        return reward.Attach(model).Match(static _ => throw new InvalidOperationException("it was taken"), static fault => fault);
    }

    private IRewardFit Begin(FeatureCase model, int updates, (double Offset, double Scale) spread) =>
        Recording.Require(new LatentHeadReward(new LatentHeadSettings { Head = File, Rate = 1e-2 }, FeatureCase.Context).BeginFit(model, Targets(updates, spread)));

    private static FitTargets Targets(int updates, (double Offset, double Scale) spread) => new("pixels", spread.Offset, spread.Scale, 0, 0.5, updates, RandomKey.OfRun(7));

    private void Write(FittedFile file) =>
        Recording.Require(SafetensorsWriter.Write(File, [.. file.Tensors.Select(static tensor => new TensorToWrite(tensor.Name, tensor.Value.detach(), tensor.Value.dtype))], file.Metadata));
}
