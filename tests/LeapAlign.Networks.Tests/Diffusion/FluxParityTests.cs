using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>FLUX's transformer against diffusers: outputs, gradients of inputs and of every parameter.</summary>
public class FluxParityTests
{
    [Theory]
    [InlineData(FluxCase.Dev)]
    [InlineData(FluxCase.Schnell)]
    public void Agrees_with_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var recorded = new FluxCase(name, weights);
        weights.SetTrained(true);
        weights.Refresh();
        var velocity = recorded.Network.Forward(recorded.Inputs);
        Agreement.Values(velocity, recorded.Reference.Recorded("out"), name);
        recorded.Reference.CompareGradients(velocity, weights, recorded.Tensors);
    }

    [Theory]
    [InlineData(FluxCase.Dev)]
    [InlineData(FluxCase.Schnell)]
    public void Computes_in_double_without_rounding_to_single(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new FluxCase(name, weights, float64);
        weights.ComputeIn(float64);
        var (tokens, direction) = (recorded.Inputs.Tokens.to(float64), recorded.Reference.Recorded("upstream").to(float64));
        // A central difference over a step this small only comes out smooth when nothing on the way is rounded to single precision.
        Tensor At(double step) => recorded.Network.Forward(recorded.Inputs with { Tokens = tokens + (step * direction) });
        Tensor Slope(double step) => (At(step) - At(-step)) / (2 * step);
        var (coarse, fine) = (Slope(1e-5), Slope(5e-6));
        Assert.Equal(float64, coarse.dtype);
        var difference = ((coarse - fine).norm() / coarse.norm()).item<double>();
        Assert.True(difference < 1e-6, $"slopes differ by {difference:G3}");
    }

    [Theory]
    [InlineData(FluxCase.Dev)]
    [InlineData(FluxCase.Schnell)]
    public void Gradients_through_bfloat16_copies_add_up_in_the_fp32_masters(string name)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var recorded = new FluxCase(name, weights);
        weights.SetTrained(true);
        // Times and scales whose thousandfold bf16 holds: others are rounded to times that are far away for the encoding.
        var inputs = recorded.Inputs with { Sigma = full_like(recorded.Inputs.Sigma, 0.5), Guidance = recorded.Inputs.Guidance is { } guidance ? full_like(guidance, 4) : null };
        Dictionary<string, Tensor> Gradients(ScalarType type, int passes)
        {
            weights.ComputeIn(type);
            foreach (var weight in weights.Parameters) weight.Master.grad?.zero_();
            for (var pass = 0; pass < passes; pass++)
            {
                var velocity = recorded.Network.Forward(inputs);
                Assert.Equal(float32, velocity.dtype);
                velocity.backward([recorded.Reference.Recorded("upstream")]);
            }
            return weights.Parameters.ToDictionary(weight => weight.Name, weight => weight.Master.grad!.clone());
        }
        var (single, brief, twice) = (Gradients(float32, 1), Gradients(bfloat16, 1), Gradients(bfloat16, 2));
        var largest = single.Values.Max(gradient => gradient.norm().item<float>());
        foreach (var (parameter, exact) in single)
        {
            Assert.Equal(float32, brief[parameter].dtype);
            Agreement.Gradient(brief[parameter], exact, largest * 1e4, parameter, relative: 0.1);
            Agreement.Gradient(twice[parameter], 2 * brief[parameter], largest, parameter);
        }
    }

    [Theory]
    [InlineData(FluxCase.Dev)]
    [InlineData(FluxCase.Schnell)]
    public void A_guidance_scale_that_is_missing_or_not_taken_is_refused(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new FluxCase(name, weights);
        var guidance = recorded.Config.EmbedsGuidance ? null : ones_like(recorded.Inputs.Sigma);
        Assert.Throws<ArgumentException>(() => recorded.Network.Forward(recorded.Inputs with { Guidance = guidance }));
    }

    [Fact]
    public void Places_that_are_not_those_of_the_tokens_are_refused()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new FluxCase(FluxCase.Dev, weights);
        var (image, text) = (recorded.Inputs.ImagePlaces, recorded.Inputs.TextPlaces);
        Assert.Throws<ArgumentException>(() => recorded.Network.Forward(recorded.Inputs with { ImagePlaces = image[..^1] }));
        Assert.Throws<ArgumentException>(() => recorded.Network.Forward(recorded.Inputs with { TextPlaces = text[..^1] }));
        Assert.Throws<ArgumentException>(() => recorded.Network.Forward(recorded.Inputs with { ImagePlaces = image[.., ..2], TextPlaces = text[.., ..2] }));
    }
}
