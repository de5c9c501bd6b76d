using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.JpegSize.Tests;

public sealed class ScoreTests
{
    private const int Height = 48;
    private const int Width = 80;

    [Fact]
    public void Noise_scores_below_a_flat_picture()
    {
        using var scope = NewDisposeScope();
        var scores = Score(new JpegSizeSettings(), Batch());
        Assert.All(scores, static score => Assert.True(score < 0));
        // Flat, gradient, noise.
        Assert.Equal(scores.OrderDescending(), scores);
        Assert.Equal(3, scores.Distinct().Count());
    }

    [Theory]
    [InlineData(30)]
    [InlineData(95)]
    [InlineData(100)]
    public void The_score_is_the_size_of_an_independent_encoding(int quality)
    {
        using var scope = NewDisposeScope();
        var images = Batch();
        var scores = Score(new JpegSizeSettings { Quality = quality }, images);
        for (var i = 0; i < scores.Length; i++) Assert.Equal(-Encode(images[i], quality) / 500_000.0, scores[i], 1e-9);
    }

    [Fact]
    public void A_higher_quality_makes_larger_files()
    {
        using var scope = NewDisposeScope();
        var images = Batch();
        Assert.True(Score(new JpegSizeSettings { Quality = 95 }, images)[2] < Score(new JpegSizeSettings { Quality = 50 }, images)[2]);
        Assert.Equal(Score(new JpegSizeSettings(), images), Score(new JpegSizeSettings { Quality = 95 }, images));
    }

    [Fact]
    public void Large_is_small_with_the_other_sign()
    {
        using var scope = NewDisposeScope();
        var images = Batch();
        var small = Score(new JpegSizeSettings { Prefer = PreferredSize.Small }, images);
        Assert.Equal(small.Select(static score => -score), Score(new JpegSizeSettings { Prefer = PreferredSize.Large }, images));
    }

    [Fact]
    public void The_batch_keeps_its_order()
    {
        using var scope = NewDisposeScope();
        var images = Batch();
        Assert.Equal(Score(new JpegSizeSettings(), images).Reverse(), Score(new JpegSizeSettings(), images.flip(0)));
        Assert.Throws<ArgumentException>(() => new JpegSizeReward(new JpegSizeSettings()).Score(images, [new Prompt(0, "one")]));
    }

    [Fact]
    public void A_picture_with_a_value_that_is_no_number_scores_no_number()
    {
        using var scope = NewDisposeScope();
        var images = Batch();
        var whole = Score(new JpegSizeSettings(), images);
        images[1, 0, 3, 5] = float.NaN;
        Assert.Equal([whole[0], float.NaN, whole[2]], Score(new JpegSizeSettings(), images));
    }

    [Fact]
    public void Has_no_gradient_and_leaves_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        var images = Batch().requires_grad_();
        void Step()
        {
            using var score = new JpegSizeReward(new JpegSizeSettings()).Score(images, Prompts(images));
            Assert.Equal((float32, false), (score.dtype, score.requires_grad));
        }
        Step();
        var alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var step = 0; step < 5; step++) Step();
        Assert.Equal(alive, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void The_plugin_offers_a_reward_that_is_not_differentiable()
    {
        var part = new JpegSizePlugin().Parts.Single();
        Assert.Equal((PartKinds.Reward, "jpeg-size"), (part.Kind, part.Id));
        Assert.DoesNotContain(Capabilities.DifferentiableReward, part.Provides(part.ReadSettings("{}")));
        Assert.Equal(new JpegSizeSettings { Quality = 95, Prefer = PreferredSize.Small }, part.ReadSettings("{}"));
        Assert.Equal(new JpegSizeSettings { Quality = 30, Prefer = PreferredSize.Large }, part.ReadSettings("""{"quality": 30, "prefer": "large"}"""));
    }

    /// <summary>A flat picture, a gradient, noise; [3, 3, H, W].</summary>
    private static Tensor Batch()
    {
        var random = new Random(7);
        var flat = full(3, Height, Width, 0.4f);
        var gradient = linspace(0, 1, Width).expand(3, Height, Width);
        var noise = tensor(Enumerable.Range(0, 3 * Height * Width).Select(_ => random.NextSingle()).ToArray(), [3, Height, Width]);
        return stack([flat, gradient, noise]);
    }

    private static float[] Score(JpegSizeSettings settings, Tensor images) => new JpegSizeReward(settings).Score(images, Prompts(images)).data<float>().ToArray();

    private static IReadOnlyList<Prompt> Prompts(Tensor images) => [.. Enumerable.Range(0, (int)images.shape[0]).Select(static i => new Prompt(i, "a picture"))];

    /// <summary>Pixel by pixel into an image of another memory layout, by another encoder call.</summary>
    private static long Encode(Tensor image, int quality)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Bgra8888, SKAlphaType.Opaque));
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++) bitmap.SetPixel(x, y, new SKColor(Byte(image[0, y, x]), Byte(image[1, y, x]), Byte(image[2, y, x])));
        }
        using var pixels = bitmap.PeekPixels();
        using var stream = new SKDynamicMemoryWStream();
        Assert.True(pixels.Encode(stream, new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore)));
        return stream.BytesWritten;
    }

    private static byte Byte(Tensor value) => (byte)MathF.Round(value.item<float>() * 255);
}
