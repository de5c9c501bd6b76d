using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3.Tests;

public sealed class Sd3ModelTests
{
    private static readonly string[] Captions = ["a red circle", "two blue squares"];

    [Fact]
    public void Bfloat16_networks_pass_gradients_to_the_masters_and_stay_near_float32()
    {
        using var scope = NewDisposeScope();
        using var exact = TestModel.Open();
        using var rounded = TestModel.Open(type: ScalarType.BFloat16);
        var (expected, actual) = (Velocity(exact), Velocity(rounded));
        Assert.Equal(ScalarType.Float32, actual.dtype);
        var error = ((actual - expected).norm() / expected.norm()).item<float>();
        Assert.InRange(error, 1e-6, 3e-2);
        actual.square().mean().backward();
        Assert.All(rounded.Parameters, static parameter => Assert.Equal(ScalarType.Float32, parameter.Value.dtype));
        Assert.Contains(rounded.Parameters, static parameter => parameter.Value.grad is { } gradient && gradient.abs().sum().item<float>() > 0);
        Assert.All(rounded.Parameters, static parameter => Assert.True(parameter.Value.grad is null || parameter.Value.grad.dtype == ScalarType.Float32));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Changed_masters_take_effect_with_refresh_and_substitutes_end_with_their_scope(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var model = TestModel.Open(type: type);
        var before = Velocity(model);
        var originals = model.Parameters.Select(static parameter => parameter.Value.detach().clone()).ToList();
        foreach (var parameter in model.Parameters) parameter.Value.mul_(1.1);
        model.Refresh();
        var after = Velocity(model);
        Assert.False(after.allclose(before));
        using (model.Use(new Policy("test", originals))) Assert.True(Velocity(model).eq(before).all().item<bool>());
        Assert.True(Velocity(model).eq(after).all().item<bool>());
    }

    [Fact]
    public void A_batch_from_the_cache_is_the_batch_that_was_encoded()
    {
        using var scope = NewDisposeScope();
        using var model = TestModel.Open();
        using var first = (BranchedConditioning)model.Encode(new ConditioningRequest(Captions, Guidance.None, model.NativeSize));
        using var second = (BranchedConditioning)model.Encode(new ConditioningRequest(Captions, Guidance.None, model.NativeSize));
        using var other = (BranchedConditioning)model.Encode(new ConditioningRequest([Captions[1], Captions[0]], Guidance.None, model.NativeSize));
        Assert.True(first.Captions.Context.eq(second.Captions.Context).all().item<bool>());
        Assert.False(first.Captions.Context.eq(other.Captions.Context).all().item<bool>());
        first.Dispose();
        Assert.True(second.Captions.Pooled.isfinite().all().item<bool>());
    }

    [Fact]
    public void Sizes_that_do_not_fit_the_patches_are_faults()
    {
        using var model = TestModel.Open();
        var native = Recording.Require(model.Latents(model.NativeSize)).Shape;
        Assert.Equal(3, native.Count);
        var fault = model.Latents(new ImageSize(model.NativeSize.Width + 1, model.NativeSize.Height)).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.OutOfRange, fault?.Code);
    }

    [Fact]
    public void An_exported_model_opens_and_computes_the_same()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var target = Path.Combine(Directory.CreateTempSubdirectory("leapalign-export-").FullName, "export");
        using var model = TestModel.Open();
        var weights = model.Parameters.Select(static parameter => parameter.Value.detach() + 0.01f).ToList();
        Recording.Require(model.Export(new ExportRequest(target, ScalarType.Float32) { Weights = weights }));
        using var opened = TestModel.Open(target);
        using (model.Use(new Policy("test", weights))) Assert.True(Velocity(model).eq(Velocity(opened)).all().item<bool>());
        Assert.Equal(Files(TestModel.Folder).Append(ExportCard.FileName).Order(StringComparer.Ordinal), Files(target));
        Assert.False(Directory.Exists(target + ".part"));

        static IEnumerable<string> Files(string folder) =>
            Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void An_untouched_export_is_the_source_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        var target = Path.Combine(Directory.CreateTempSubdirectory("leapalign-export-").FullName, "export");
        using var model = TestModel.Open();
        Recording.Require(model.Export(new ExportRequest(target, null) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] }));
        using var opened = TestModel.Open(target);
        Assert.All(model.Parameters.Zip(opened.Parameters), static pair =>
        {
            Assert.Equal(pair.First.Name, pair.Second.Name);
            Assert.True(pair.First.Value.eq(pair.Second.Value).all().item<bool>());
        });
    }

    [Fact]
    public void A_long_caption_is_cut_with_a_warning()
    {
        using var scope = NewDisposeScope();
        List<Fault> warnings = [];
        using var model = TestModel.Open(warnings: warnings);
        using var conditioning = model.Encode(new ConditioningRequest([string.Concat(Enumerable.Repeat("a red circle and ", 600)), "a red circle"], Guidance.None, model.NativeSize));
        var warning = Assert.Single(warnings);
        Assert.Equal(FaultCodes.CaptionCut, warning.Code);
        Assert.Contains("'a red circle and a red", warning.Message, StringComparison.Ordinal);
        Assert.True(warning.Message.Length < 200, warning.Message);
    }

    [Fact]
    public void Each_sample_can_have_a_noise_level_of_its_own()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var model = TestModel.Open();
        using var conditioning = model.Encode(new ConditioningRequest(Captions, Guidance.None, model.NativeSize));
        var noise = RandomKey.OfRun(1).Normal([Captions.Length, .. Recording.Require(model.Latents(model.NativeSize)).Shape], CPU);
        double[] sigmas = [.. Captions.Select(static (_, index) => 0.2 + (0.3 * index))];
        var together = model.Velocity(noise, sigmas, conditioning);
        for (var sample = 0; sample < sigmas.Length; sample++)
            Agreement.Values(together[sample], model.Velocity(noise, [sigmas[sample]], conditioning)[sample], $"sample {sample}");
        Assert.True(model.Velocity(noise, [0.7], conditioning).equal(model.Velocity(noise, [.. Captions.Select(static _ => 0.7)], conditioning)).all().item<bool>());
        Assert.Throws<ArgumentException>(() => model.Velocity(noise, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], conditioning));
    }

    private static Tensor Velocity(Sd3Model model)
    {
        using var conditioning = model.Encode(new ConditioningRequest(Captions, Guidance.None, model.NativeSize));
        var noise = RandomKey.OfRun(1).Normal([Captions.Length, .. Recording.Require(model.Latents(model.NativeSize)).Shape], CPU);
        return model.Velocity(noise, [0.7], conditioning);
    }
}
