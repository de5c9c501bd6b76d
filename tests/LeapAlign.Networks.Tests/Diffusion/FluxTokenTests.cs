using LeapAlign.Networks.Flux;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>FLUX's tokens: how latents become tokens and back, their places, how places turn queries and keys, and how times are rounded.</summary>
public class FluxTokenTests
{
    public static TheoryData<int, int, int, int> Sizes => new() { { 1, 1, 2, 2 }, { 2, 16, 4, 6 }, { 3, 5, 10, 2 }, { 1, 3, 2, 14 }, { 2, 4, 8, 8 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Unpacking_is_the_inverse_of_packing(int batch, int channels, int height, int width)
    {
        using var scope = NewDisposeScope();
        var latents = Numbered(batch, channels, height, width);
        var tokens = FluxTokens.Pack(latents);
        Assert.Equal([batch, height / 2 * (width / 2), 4 * channels], tokens.shape);
        Assert.True(FluxTokens.Unpack(tokens, height, width).equal(latents).all().item<bool>());
        var other = Numbered([.. tokens.shape]);
        Assert.True(FluxTokens.Pack(FluxTokens.Unpack(other, height, width)).equal(other).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_token_holds_a_square_of_every_channel_with_the_channel_slowest(int batch, int channels, int height, int width)
    {
        using var scope = NewDisposeScope();
        var latents = Numbered(batch, channels, height, width);
        var tokens = FluxTokens.Pack(latents).data<float>().ToArray();
        var pixels = latents.data<float>().ToArray();
        var columns = width / 2;
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y, c, b) = (i % width, i / width % height, i / (width * height) % channels, i / (width * height * channels));
            var token = (((b * (height / 2)) + (y / 2)) * columns) + (x / 2);
            Assert.Equal(pixels[i], tokens[(token * 4 * channels) + (4 * c) + (2 * (y % 2)) + (x % 2)]);
        }
    }

    [Fact]
    public void Packs_as_the_recorded_pipeline()
    {
        using var scope = NewDisposeScope();
        var recorded = Recording.Require(Storage.Safetensors.SafetensorsFile.Open(Repository.Fixture("pipeline-flux", "flux.safetensors")));
        var (noise, packed) = (Recording.Require(recorded.Read("noise")), Recording.Require(recorded.Read("packed")));
        Assert.True(FluxTokens.Pack(noise).equal(packed).all().item<bool>());
    }

    [Fact]
    public void Latents_and_tokens_that_do_not_fit_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => FluxTokens.Pack(zeros(1, 4, 5, 6)));
        Assert.Throws<ArgumentException>(() => FluxTokens.Pack(zeros(1, 4, 6, 5)));
        Assert.Throws<ArgumentException>(() => FluxTokens.ImagePlaces(3, 4, CPU));
        // Six tokens are not those of 4 × 4 latents, nor of 12 × 1.
        Assert.Throws<ArgumentException>(() => FluxTokens.Unpack(zeros(1, 6, 16), 4, 4));
        Assert.Throws<ArgumentException>(() => FluxTokens.Unpack(zeros(1, 6, 16), 12, 1));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Places_are_rows_and_columns_in_the_order_of_the_tokens(int batch, int channels, int height, int width)
    {
        using var scope = NewDisposeScope();
        // Latents that hold, in the first pixel of a token, where it is.
        var rows = arange(height, dtype: float32).div(2).unsqueeze(1).expand(height, width);
        var columns = arange(width, dtype: float32).div(2).unsqueeze(0).expand(height, width);
        var first = FluxTokens.Pack(stack([zeros_like(rows), rows, columns]).unsqueeze(0).expand(batch, -1, -1, -1))[0, .., TensorIndex.Slice(0, null, 4)];
        Assert.True(FluxTokens.ImagePlaces(height, width, CPU).equal(first).all().item<bool>());
        Assert.Equal([channels, FluxConfig.Axes], FluxTokens.TextPlaces(channels, CPU).shape);
        Assert.Equal(0, FluxTokens.TextPlaces(channels, CPU).abs().sum().item<float>());
    }

    [Theory]
    [InlineData(0, -0.9899925, 0.1411200)]
    [InlineData(1, -0.5549149, 0.8319071)]
    [InlineData(27, 0.9999999, 0.0004168)]
    public void Angles_at_place_3_of_an_axis_of_width_56(int index, double cosine, double sine)
    {
        using var scope = NewDisposeScope();
        var positions = RotaryPositions.Of(tensor(new float[] { 3 }).unsqueeze(0), [56]);
        Assert.Equal(float32, positions.Cosines.dtype);
        Assert.Equal(cosine, positions.Cosines[0, index].item<float>(), 1e-7);
        Assert.Equal(sine, positions.Sines[0, index].item<float>(), 1e-7);
    }

    [Fact]
    public void Each_axis_turns_its_part_of_a_head()
    {
        using var scope = NewDisposeScope();
        int[] widths = [2, 4, 8];
        float[] place = [1, 2, 3001];
        var heads = Noise(2, 3, 1, widths.Sum());
        var turned = RotaryPositions.Of(tensor(place).unsqueeze(0), widths).Turn(heads);
        var (from, to) = (heads.to(float64), turned.to(float64));
        var start = 0;
        for (var axis = 0; axis < widths.Length; start += widths[axis++])
        {
            for (var i = 0; i < widths[axis] / 2; i++)
            {
                var angle = place[axis] * Math.Pow(10000, -2.0 * i / widths[axis]);
                var (sine, cosine) = Math.SinCos(angle);
                var (x, y) = (from.select(3, start + (2 * i)), from.select(3, start + (2 * i) + 1));
                Agreement.Values(to.select(3, start + (2 * i)), (x * cosine) - (y * sine), $"axis {axis}, first {i}", tolerance: 1e-6);
                Agreement.Values(to.select(3, start + (2 * i) + 1), (y * cosine) + (x * sine), $"axis {axis}, second {i}", tolerance: 1e-6);
            }
        }
    }

    [Fact]
    public void Products_depend_on_differences_of_places_and_text_does_not_turn()
    {
        using var scope = NewDisposeScope();
        int[] widths = [4, 6, 6];
        var (queries, keys) = (Noise(1, 2, 5, 16), Noise(1, 2, 5, 16) + 1);
        var places = Noise(5, 3).mul(20).round();
        Tensor Products(Tensor at)
        {
            var positions = RotaryPositions.Of(at, widths);
            return positions.Turn(queries).matmul(positions.Turn(keys).transpose(-2, -1));
        }
        Agreement.Values(Products(places + tensor(new float[] { 7, -3, 41 })), Products(places), "products", tolerance: 1e-4);
        Assert.True((Products(places.flip(1)) - Products(places)).abs().max().item<float>() > 0.1);
        Assert.True(RotaryPositions.Of(FluxTokens.TextPlaces(5, CPU), widths).Turn(queries).equal(queries).all().item<bool>());
    }

    [Fact]
    public void Turns_in_single_precision_and_rounds_once()
    {
        using var scope = NewDisposeScope();
        var positions = RotaryPositions.Of(Noise(9, 3).mul(30).round(), [4, 6, 6]);
        var heads = Noise(2, 3, 9, 16).to(bfloat16);
        var turned = positions.Turn(heads);
        Assert.Equal(bfloat16, turned.dtype);
        Assert.True(turned.equal(positions.Turn(heads.to(float32)).to(bfloat16)).all().item<bool>());
    }

    // bf16 has steps of 4 from 512 to 1024 and of 2 below; the pipeline rounds 1000 σ first (950 to 952), the network σ (0.95 to 0.949, 948).
    [Theory]
    [InlineData(0.95, 952, 948)]
    [InlineData(0.7, 700, 700)]
    [InlineData(0.513, 512, 512)]
    [InlineData(0.3, 300, 300)]
    [InlineData(1, 1000, 1000)]
    public void Times_are_rounded_in_bfloat16(double sigma, double ofPipeline, double plain)
    {
        using var scope = NewDisposeScope();
        var value = tensor((float)sigma).unsqueeze(0);
        var rounded = FluxTime.OfPipeline(value, bfloat16);
        Assert.Equal(bfloat16, rounded.dtype);
        Assert.Equal(ofPipeline, FluxTime.Encoded(rounded, bfloat16).to(float64).item<double>());
        Assert.Equal(plain, FluxTime.Encoded(value, bfloat16).to(float64).item<double>());
        Assert.Equal(1000 * sigma, FluxTime.Encoded(value, float32).item<float>(), 1e-3);
    }

    [Fact]
    public void A_guidance_scale_of_3_5_counts_as_3_504_in_bfloat16()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(3504, FluxTime.Encoded(tensor(3.5f).unsqueeze(0), bfloat16).to(float64).item<double>());
        Assert.Equal(3500, FluxTime.Encoded(tensor(3.5f).unsqueeze(0), float32).item<float>());
    }

    private static Tensor Numbered(params long[] shape) => arange(shape.Aggregate(1L, static (product, size) => product * size), dtype: float32).view(shape);

    private static Tensor Noise(params long[] shape) => randn(shape, dtype: float32, generator: new Generator(23));
}
