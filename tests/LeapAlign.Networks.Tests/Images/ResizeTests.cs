using LeapAlign.Networks.Images;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Images;

/// <summary>Antialiased resizing against torchvision: pictures and gradients.</summary>
public class ResizeTests
{
    [Theory]
    [InlineData("bicubic", ResizeFilter.Bicubic)]
    [InlineData("bilinear", ResizeFilter.Bilinear)]
    public void Agrees_with_the_reference(string mode, ResizeFilter filter)
    {
        using var scope = NewDisposeScope();
        var recorded = SafetensorsFile.Open(Repository.Fixture("resize.safetensors")).Match(file => file, fault => throw new InvalidOperationException(fault.ToString()));
        Tensor Read(string key) => recorded.Read(key).Match(tensor => tensor, fault => throw new InvalidOperationException(fault.ToString()));
        var suffix = $".{mode}.in";
        var cases = recorded.Entries.Keys.Where(key => key.EndsWith(suffix, StringComparison.Ordinal)).Select(key => key[..^".in".Length]).ToList();
        Assert.NotEmpty(cases);
        var gradients = cases.ToDictionary(name => name, name => Read(name + ".grad"));
        var largest = gradients.Values.Max(gradient => gradient.norm().item<float>());
        foreach (var name in cases)
        {
            var images = Read(name + ".in").requires_grad_();
            var expected = Read(name + ".out");
            var actual = Resize.Apply(images, expected.shape[2], expected.shape[3], filter);
            Agreement.Values(actual, expected, name);
            actual.backward([Read(name + ".upstream")]);
            Agreement.Gradient(images.grad, gradients[name], largest, name);
        }
    }

    [Theory]
    [InlineData(ResizeFilter.Bicubic)]
    [InlineData(ResizeFilter.Bilinear)]
    public void The_same_size_leaves_a_picture_as_it_is_and_one_colour_stays_one_colour(ResizeFilter filter)
    {
        using var scope = NewDisposeScope();
        var ramp = linspace(0, 1, 35, dtype: float64).view(1, 1, 5, 7);
        Agreement.Values(Resize.Apply(ramp, 5, 7, filter), ramp, "identity", tolerance: 1e-15);
        Agreement.Values(Resize.Apply(full_like(ramp, 0.3), 3, 16, filter), full([1, 1, 3, 16], 0.3, dtype: float64), "flat", tolerance: 1e-15);
    }
}
