using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>The autoencoder against diffusers.</summary>
public class VaeParityTests
{
    [Fact]
    public void Decodes_as_the_reference()
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("vae");
        using var weights = new WeightSet();
        var network = Load(reference, weights);
        weights.SetTrained(true);
        weights.Refresh();
        var latents = reference.Input("latents");
        var picture = network.Decoder.Decode(latents);
        Agreement.Values(picture, reference.Recorded("out"), "picture");
        reference.CompareGradients(picture, weights, new Dictionary<string, Tensor> { ["latents"] = latents });
    }

    [Fact]
    public void Encodes_as_the_reference()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("vae");
        using var weights = new WeightSet();
        var network = Load(reference, weights);
        var recorded = reference.Open("encode.safetensors");
        var moments = network.Encoder.Moments(Recording.Require(recorded.Read("image")));
        Agreement.Values(moments, Recording.Require(recorded.Read("moments")), "moments");
    }

    [Fact]
    public void Decodes_in_bfloat16_to_the_type_of_the_latents()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("vae");
        using var weights = new WeightSet();
        var network = Load(reference, weights);
        weights.ComputeIn(bfloat16);
        var picture = network.Decoder.Decode(reference.Recorded("in.latents"));
        Assert.Equal(float32, picture.dtype);
        Agreement.Values(picture, reference.Recorded("out"), "picture", tolerance: 0.1);
    }

    private static Autoencoder Load(ReferenceCase reference, WeightSet weights)
    {
        var network = new Autoencoder(Recording.Require(VaeConfig.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, float32));
        return network;
    }
}
