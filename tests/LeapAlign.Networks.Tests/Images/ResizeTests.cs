using LeapAlign.Networks.Images;
using LeapAlign.Networks.Safetensors;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Images;

public class ResizeTests
{
    private static IWeightSource Recorded { get; } =
        SafetensorsFile.Open(Repository.Fixture("resize.safetensors")).Match(file => file, fault => throw new InvalidOperationException(fault.ToString()));

    public static TheoryData<string> Cases() => [.. Recorded.Entries.Keys.Where(key => key.EndsWith(".in", StringComparison.Ordinal)).Select(key => key[..^3])];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pictures_and_gradients_are_the_recorded_ones(string name)
    {
        using var scope = NewDisposeScope();
        var (input, expected) = (Read(name, "in").requires_grad_(), Read(name, "out"));
        using var resize = new Resize(name.EndsWith("bicubic", StringComparison.Ordinal) ? ResizeFilter.Bicubic : ResizeFilter.Bilinear);
        var output = resize.Forward(input, expected.shape[^2], expected.shape[^1]);
        Agreement.Values(output, expected, name);
        output.backward([Read(name, "upstream")]);
        var gradient = Read(name, "grad");
        Agreement.Values(input.grad!, gradient, name + " gradient");
        Agreement.Gradient(input.grad, gradient, gradient.norm().to(float64).item<double>(), name);
    }

    [Fact]
    public void Both_filters_are_recorded() => Assert.Equal(2, Recorded.Entries.Keys.Select(key => key.Split('.')[1]).Distinct().Count());

    [Theory]
    [InlineData(ResizeFilter.Bicubic)]
    [InlineData(ResizeFilter.Bilinear)]
    public void A_flat_picture_stays_flat(ResizeFilter filter)
    {
        using var scope = NewDisposeScope();
        using var resize = new Resize(filter);
        foreach (var (height, width) in ((long, long)[])[(1, 1), (3, 50), (40, 7)])
        {
            var flat = full([1, 3, 9, 13], 0.25, dtype: float64);
            Agreement.Values(resize.Forward(flat, height, width), full([1, 3, height, width], 0.25, dtype: float64), $"{height} x {width}", 1e-14);
        }
    }

    [Fact]
    public void A_picture_of_the_wanted_size_is_left_alone()
    {
        using var scope = NewDisposeScope();
        using var resize = new Resize(ResizeFilter.Bicubic);
        var picture = rand(1, 3, 5, 6);
        Assert.Same(picture, resize.Forward(picture, 5, 6));
    }

    [Fact]
    public void No_device_is_assumed_and_nothing_stays_alive()
    {
        using var scope = NewDisposeScope();
        using (var resize = new Resize(ResizeFilter.Bicubic))
        {
            var output = resize.Forward(empty([2, 3, 10, 20], device: META), 4, 5);
            Assert.Equal([2L, 3L, 4L, 5L], output.shape);
            Assert.Equal(TorchSharp.DeviceType.META, output.device_type);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => new Resize(ResizeFilter.Bicubic).Forward(zeros(1, 3, 2, 2), 0, 1));
    }

    private static Tensor Read(string name, string part) =>
        Recorded.Read($"{name}.{part}").Match(tensor => tensor, fault => throw new InvalidOperationException(fault.ToString()));
}
