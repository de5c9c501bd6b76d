using LeapAlign.Networks.Weights;
using LeapAlign.Networks.ZImage;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>Z-Image's transformer against diffusers: outputs, gradients of inputs and of every parameter.</summary>
public class ZImageParityTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Agrees_with_the_reference(int blocksPerCheckpoint)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var recorded = new ZImageCase(weights, blocksPerCheckpoint: blocksPerCheckpoint);
        weights.SetTrained(true);
        weights.Refresh();
        var output = recorded.Network.Forward(recorded.Inputs);
        Agreement.Values(output, recorded.Reference.Recorded("out"), ZImageCase.Name);
        recorded.Reference.CompareGradients(output, weights, recorded.Tensors, ("time", recorded.Config.TimeScale * MathF.BitIncrement(1) - recorded.Config.TimeScale));
    }

    [Fact]
    public void Computes_in_double_without_rounding_to_single()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new ZImageCase(weights, float64);
        weights.ComputeIn(float64);
        var (latents, direction) = (recorded.Inputs.Latents.to(float64), recorded.Reference.Recorded("upstream").to(float64));
        Tensor At(double step) => recorded.Network.Forward(recorded.Inputs with { Latents = latents + (step * direction) });
        Tensor Slope(double step) => (At(step) - At(-step)) / (2 * step);
        var (coarse, fine) = (Slope(1e-5), Slope(5e-6));
        Assert.Equal(float64, coarse.dtype);
        var difference = ((coarse - fine).norm() / coarse.norm()).item<double>();
        Assert.True(difference < 1e-6, $"slopes differ by {difference:G3}");
    }

    [Fact]
    public void Gradients_through_bfloat16_copies_add_up_in_the_fp32_masters()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var recorded = new ZImageCase(weights);
        weights.SetTrained(true);
        Dictionary<string, Tensor?> Gradients(ScalarType type, int passes)
        {
            weights.ComputeIn(type);
            foreach (var weight in weights.Parameters) weight.Master.grad?.zero_();
            for (var pass = 0; pass < passes; pass++)
            {
                var output = recorded.Network.Forward(recorded.Inputs);
                Assert.Equal(float32, output.dtype);
                output.backward([recorded.Reference.Recorded("upstream")]);
            }
            return weights.Parameters.ToDictionary(static weight => weight.Name, static weight => weight.Master.grad?.clone());
        }
        var (single, brief, twice) = (Gradients(float32, 1), Gradients(bfloat16, 1), Gradients(bfloat16, 2));
        var largest = single.Values.Max(static gradient => gradient?.norm().item<float>() ?? 0);
        foreach (var (parameter, exact) in single.Where(static pair => pair.Value is not null))
        {
            Assert.Equal(float32, brief[parameter]!.dtype);
            Agreement.Gradient(brief[parameter], exact!, largest * 1e4, parameter, relative: 0.1);
            Agreement.Gradient(twice[parameter], 2 * brief[parameter]!, largest, parameter);
        }
    }

    [Fact]
    public void Samples_of_a_batch_give_what_each_gives_alone_whatever_stands_behind_a_caption()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new ZImageCase(weights);
        var (inputs, samples) = (recorded.Inputs, recorded.Inputs.Lengths.Count);
        // One caption that fills up to more than the others, and numbers behind the ends of all.
        var rows = ZImageTokens.Filled(inputs.Context.shape[1]) + 1;
        int[] lengths = [rows, .. inputs.Lengths.Skip(1)];
        var context = cat([inputs.Context, full([samples, rows - inputs.Context.shape[1], inputs.Context.shape[2]], 3, dtype: float32)], 1);
        var together = recorded.Network.Forward(inputs with { Context = context, Lengths = lengths });
        for (var sample = 0; sample < samples; sample++)
        {
            Tensor Own(Tensor all) => all.narrow(0, sample, 1);
            var alone = recorded.Network.Forward(new ZImageInputs { Latents = Own(inputs.Latents), Context = Own(context).narrow(1, 0, lengths[sample]), Lengths = [lengths[sample]], Time = Own(inputs.Time) });
            Agreement.Values(Own(together), alone, $"sample {sample}");
        }
    }

    [Fact]
    public void Hidden_states_are_those_of_the_whole_network_and_read_no_more_weights()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new ZImageCase(weights);
        var tokens = recorded.Inputs.Latents.shape[2] * recorded.Inputs.Latents.shape[3] / 4;
        var first = recorded.Network.Hidden(recorded.Inputs, 1);
        Assert.Equal([recorded.Inputs.Lengths.Count, tokens, recorded.Config.Width], first.shape);
        var read = recorded.Network.WeightsOfHidden(1).Select(static weight => weight.Name).ToHashSet();
        foreach (var weight in weights.All.Where(weight => !read.Contains(weight.Name))) weight.Master.fill_(float.NaN);
        weights.Refresh();
        Assert.True(recorded.Network.Hidden(recorded.Inputs, 1).equal(first).all().item<bool>());
        foreach (var name in read)
        {
            var weight = weights.All.Single(weight => weight.Name == name);
            using var kept = weight.Master.clone();
            weight.Master.fill_(float.NaN);
            weights.Refresh();
            Assert.True(recorded.Network.Hidden(recorded.Inputs, 1).isnan().any().item<bool>(), name);
            weight.Master.copy_(kept);
        }
    }

    [Fact]
    public void What_the_configuration_leaves_out_is_not_there()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var all = new WeightSet();
        using var fewer = new WeightSet();
        var recorded = new ZImageCase(all);
        var network = new ZImageTransformer(recorded.Config with { RefinerLayers = 0, NormalisesHeads = false }, fewer.Root);
        string[] left = [.. all.All.Select(static weight => weight.Name).Where(static name => !name.Contains("_refiner.", StringComparison.Ordinal) && !name.Contains(".norm_", StringComparison.Ordinal))];
        Assert.Equal(left.Order(StringComparer.Ordinal), fewer.All.Select(static weight => weight.Name).Order(StringComparer.Ordinal));
        fewer.Allocate(CPU, float32);
        foreach (var weight in fewer.All) weight.Master.copy_(all.All.Single(other => other.Name == weight.Name).Master);
        fewer.Refresh();
        var output = network.Forward(recorded.Inputs);
        Assert.Equal(recorded.Inputs.Latents.shape, output.shape);
        Assert.True(output.isfinite().all().item<bool>());
    }

    [Fact]
    public void Lengths_and_places_that_do_not_fit_are_refused()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var recorded = new ZImageCase(weights);
        var (inputs, places) = (recorded.Inputs, recorded.Config.Places);
        void Refused(ZImageInputs given, string words) => Assert.Contains(words, Assert.Throws<ArgumentException>(() => recorded.Network.Forward(given)).Message, StringComparison.Ordinal);
        Refused(inputs with { Lengths = [.. inputs.Lengths, 1] }, "rows");
        Refused(inputs with { Lengths = [0, .. inputs.Lengths.Skip(1)] }, "rows");
        Refused(inputs with { Lengths = [(int)inputs.Context.shape[1] + 1, .. inputs.Lengths.Skip(1)] }, "rows");
        Refused(inputs with { Latents = zeros(inputs.Lengths.Count, recorded.Config.Channels, 3, 2) }, "whole number");
        Refused(inputs with { Latents = zeros(inputs.Lengths.Count, recorded.Config.Channels, 2 * (places[1] + 1), 2) }, "axes_lens");
        Refused(inputs with { Context = zeros(inputs.Lengths.Count, places[0], recorded.Config.CaptionWidth), Lengths = [.. inputs.Lengths.Select(_ => places[0] - 1)] }, "axes_lens");
    }

    [Fact]
    public void Golden_angles_of_the_published_widths()
    {
        using var scope = NewDisposeScope();
        var path = Path.GetTempFileName();
        File.WriteAllText(path, """{ "_class_name": "ZImageTransformer2DModel" }""");
        var config = Recording.Require(ZImageConfig.Read(path));
        File.Delete(path);
        // A caption of 32 tokens has the picture at place 33; the token at row 2 and column 9.
        var positions = ZImageTokens.OfPicture([32], (3, 10), config, CPU);
        Assert.Equal(64, positions.Cosines.shape[3]);
        double Of(Tensor table, int entry) => table[0, 0, 29, entry / 2].item<float>();
        Assert.Equal(-0.0132767, Of(positions.Cosines, 0), 2e-7);
        Assert.Equal(-0.9742511, Of(positions.Sines, 2), 2e-7);
        Assert.Equal(-0.0166039, Of(positions.Cosines, 34), 2e-7);
        Assert.Equal(0.7579205, Of(positions.Sines, 82), 2e-7);
    }
}
