using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>The transformer against diffusers: outputs, gradients of inputs and of every parameter.</summary>
public class Sd3ParityTests
{
    private static readonly string[] InputNames = ["latents", "context", "pooled", "timestep"];

    [Theory]
    [InlineData("sd3-plain")]
    [InlineData("sd3-dual")]
    public void Agrees_with_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase(name);
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, float32));
        weights.SetTrained(true);
        weights.Refresh();
        var inputs = InputNames.ToDictionary(input => input, reference.Input);
        var velocity = network.Forward(inputs["latents"], inputs["context"], inputs["pooled"], inputs["timestep"]);
        Agreement.Values(velocity, reference.Recorded("out"), name);
        reference.CompareGradients(velocity, weights, inputs);
    }

    [Theory]
    [InlineData("sd3-plain")]
    [InlineData("sd3-dual")]
    public void Computes_in_double_without_rounding_to_single(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase(name);
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, float64));
        weights.ComputeIn(float64);
        var (latents, context, pooled, time) = (reference.Input("latents").to(float64), reference.Input("context"), reference.Input("pooled"), reference.Input("timestep"));
        var direction = reference.Recorded("upstream").to(float64);
        // A central difference over a step this small only comes out smooth when nothing on the way is rounded to single precision.
        Tensor Slope(double step) => (network.Forward(latents + (step * direction), context, pooled, time) - network.Forward(latents - (step * direction), context, pooled, time)) / (2 * step);
        var (coarse, fine) = (Slope(1e-5), Slope(5e-6));
        Assert.Equal(float64, coarse.dtype);
        var difference = ((coarse - fine).norm() / coarse.norm()).item<double>();
        Assert.True(difference < 1e-6, $"slopes differ by {difference:G3}");
    }

    [Theory]
    [InlineData("sd3-plain")]
    [InlineData("sd3-dual")]
    public void Gradients_of_evaluations_in_one_backward_add_up_in_the_fp32_masters(string name)
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase(name);
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, float32));
        weights.SetTrained(true);
        weights.ComputeIn(bfloat16);
        var latents = reference.Input("latents").detach();
        Tensor Part(int evaluation) =>
            (network.Forward(latents * (1 + (0.3 * evaluation)), reference.Input("context"), reference.Input("pooled"), reference.Input("timestep")) * reference.Recorded("upstream")).sum();
        Dictionary<string, Tensor> Gradients(Action descend)
        {
            foreach (var weight in weights.Parameters) weight.Master.grad?.zero_();
            descend();
            return weights.Parameters.Where(weight => weight.Master.grad is not null).ToDictionary(weight => weight.Name, weight => weight.Master.grad!.clone());
        }
        const int Evaluations = 6;
        var apart = Gradients(() =>
        {
            for (var evaluation = 0; evaluation < Evaluations; evaluation++) Part(evaluation).backward();
        });
        var together = Gradients(() => Enumerable.Range(0, Evaluations).Select(Part).Aggregate(static (one, other) => one + other).backward());
        var largest = apart.Values.Max(gradient => gradient.norm().item<float>());
        foreach (var (parameter, gradient) in apart) Agreement.Gradient(together[parameter], gradient, largest, parameter);
    }

    [Theory]
    [InlineData("sd3-plain")]
    [InlineData("sd3-dual")]
    public void Gradients_through_bfloat16_copies_add_up_in_the_fp32_masters(string name)
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase(name);
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, float32));
        weights.SetTrained(true);
        Dictionary<string, Tensor> Gradients(ScalarType type, int passes)
        {
            weights.ComputeIn(type);
            foreach (var weight in weights.Parameters) weight.Master.grad?.zero_();
            for (var pass = 0; pass < passes; pass++)
            {
                var velocity = network.Forward(reference.Input("latents"), reference.Input("context"), reference.Input("pooled"), reference.Input("timestep"));
                Assert.Equal(float32, velocity.dtype);
                velocity.backward([reference.Recorded("upstream")]);
            }
            return weights.Parameters.Where(weight => weight.Master.grad is not null).ToDictionary(weight => weight.Name, weight => weight.Master.grad!.clone());
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
}
