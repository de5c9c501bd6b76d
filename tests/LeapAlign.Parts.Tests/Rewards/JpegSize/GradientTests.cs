using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.JpegSize.Tests;

/// <summary>The gradient of the size of a file, straight through the encoder.</summary>
public sealed class GradientTests
{
    private const int Height = 52, Width = 84;

    private static JpegSizeSettings Settings => new() { Gradient = HardGradient.StraightThrough };

    [Theory]
    [InlineData(30, PreferredSize.Small)]
    [InlineData(95, PreferredSize.Large)]
    public void The_score_is_to_the_bit_what_it_is_without_a_gradient(int quality, PreferredSize prefer)
    {
        using var scope = NewDisposeScope();
        var images = Pictures().requires_grad_();
        var settings = Settings with { Quality = quality, Prefer = prefer };
        var scores = new TrainableJpegSize(settings).Score(images, Prompts);
        Assert.Equal((float32, true), (scores.dtype, scores.requires_grad));
        Assert.Equal(new JpegSizeReward(settings).Score(images, Prompts).data<float>().ToArray(), scores.detach().data<float>().ToArray());
        using var _ = no_grad();
        Assert.Equal(scores.detach().data<float>().ToArray(), new TrainableJpegSize(settings).Score(images, Prompts).data<float>().ToArray());
    }

    // Along directions that flatten, blur and bleach three pictures: what it says goes with what files do, and is as large in sum.
    [Theory]
    [InlineData(95)]
    [InlineData(75)]
    [InlineData(40)]
    public void It_says_how_the_size_of_a_file_changes(int quality)
    {
        using var scope = NewDisposeScope();
        var settings = Settings with { Quality = quality };
        var images = Pictures();
        List<(double Said, double Real)> pairs = [];
        foreach (var other in new[] { images.mean([2, 3], keepdim: true).expand_as(images), Blurred(images), images.mean([1], keepdim: true).expand_as(images) })
        {
            var along = other - images;
            var point = images.clone().requires_grad_();
            var gradient = autograd.grad([new TrainableJpegSize(settings).Score(point, Prompts).sum()], [point])[0];
            Tensor Hard(double part) => new JpegSizeReward(settings).Score(images + (along * part), Prompts);
            pairs.AddRange((gradient * along).sum([1, 2, 3]).data<float>().ToArray().Zip(((Hard(0.15) - Hard(0)) / 0.15).data<float>().ToArray(), static (said, real) => ((double)said, (double)real)));
        }
        var (said, real) = (pairs.Average(static pair => pair.Said), pairs.Average(static pair => pair.Real));
        Assert.InRange(said / real, 0.7, 1.6);
        var together = pairs.Sum(pair => (pair.Said - said) * (pair.Real - real));
        Assert.InRange(together / Math.Sqrt(pairs.Sum(pair => Math.Pow(pair.Said - said, 2)) * pairs.Sum(pair => Math.Pow(pair.Real - real, 2))), 0.85, 1);
    }

    // Steps of a 250th in the root mean square.
    [Fact]
    public void Following_it_makes_files_small()
    {
        using var scope = NewDisposeScope();
        var images = Pictures();
        var before = new JpegSizeReward(Settings).Score(images, Prompts).data<float>().ToArray();
        for (var step = 0; step < 12; step++)
        {
            var point = images.detach().requires_grad_();
            var gradient = autograd.grad([new TrainableJpegSize(Settings).Score(point, Prompts).sum()], [point])[0];
            images = (images + (gradient / gradient.flatten(1).norm(1).view(-1, 1, 1, 1) * 0.5)).clamp(0, 1);
        }
        var after = new JpegSizeReward(Settings).Score(images, Prompts).data<float>().ToArray();
        Assert.All(before.Zip(after), static pair => Assert.True(pair.Second > 1.02 * pair.First, $"{pair.First} became {pair.Second}"));
        Assert.True(after.Sum() > 0.85 * before.Sum(), $"{before.Sum()} became {after.Sum()}");
    }

    [Fact]
    public void A_flat_picture_has_a_gradient_of_zero_and_one_that_is_no_number_has_no_score()
    {
        using var scope = NewDisposeScope();
        var images = full([2, 3, 16, 16], 0.4f, dtype: float32);
        images[1, 0, 3, 5] = float.NaN;
        var point = images.requires_grad_();
        var scores = new TrainableJpegSize(Settings).Score(point, Prompts[..2]);
        Assert.True(float.IsNaN(scores[1].item<float>()));
        Assert.True(autograd.grad([scores.narrow(0, 0, 1).sum()], [point])[0][0].abs().max().item<float>() < 1e-4);
    }

    [Fact]
    public void The_plugin_offers_a_gradient_where_it_is_asked_for()
    {
        var part = new JpegSizePlugin().Parts.Single();
        var settings = part.ReadSettings("""{"gradient": "straight-through"}""");
        Assert.Contains(Capabilities.DifferentiableReward, part.Provides(settings));
        Assert.IsType<TrainableJpegSize>(part.Create(settings, null!).Match(static made => made, static fault => throw new InvalidOperationException(fault.Message)));
        Assert.False(part.Create(part.ReadSettings("{}"), null!).Match(static made => made, static fault => throw new InvalidOperationException(fault.Message)) is IDifferentiableReward);
    }

    private static Prompt[] Prompts => [.. Enumerable.Range(0, 3).Select(static i => new Prompt(i, "a picture"))];

    // Waves of colour, discs with edges, and noise on a slope.
    private static Tensor Pictures()
    {
        var (y, x) = (linspace(0, 1, Height).view(1, Height, 1), linspace(0, 1, Width).view(1, 1, Width));
        var waves = cat([(x * 23).sin() * 0.3 + 0.5 + (y * 0), (y * 31).cos() * 0.3 + 0.5 + (x * 0), ((x + y) * 17).sin() * 0.3 + 0.5], 0);
        var discs = cat([.. new[] { 0.25, 0.5, 0.7 }.Select(centre => ((x - centre).square() + (y - 0.5).square()).lt(0.04).to(float32) * 0.6 + 0.2)], 0);
        var random = new Random(7);
        var noise = tensor([.. Enumerable.Range(0, 3 * Height * Width).Select(_ => (float)random.NextDouble())], [3, Height, Width]) * 0.2 + (x * 0.5) + 0.1;
        return stack([waves, discs, noise]);
    }

    private static Tensor Blurred(Tensor images) => nn.functional.avg_pool2d(images, 3, 1, 1, count_include_pad: false);
}
