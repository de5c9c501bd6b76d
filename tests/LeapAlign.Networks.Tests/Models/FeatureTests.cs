using LeapAlign.Adapters.Lora;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Models.Flux;
using LeapAlign.Models.Flux.Tests;
using LeapAlign.Models.Sd3;
using LeapAlign.Models.Sd3.Tests;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>The hidden states that models show: which they are, and that they stay what they were.</summary>
public sealed class FeatureTests : IDisposable
{
    private static readonly string[] s_captions = ["a red circle", "two blue squares"];
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly FluxFolder _flux = new();

    public void Dispose()
    {
        _flux.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    public void The_velocity_is_made_of_them(int blocks)
    {
        using var gradients = no_grad();
        using var model = Sd3();
        using var features = model.OpenFeatures(blocks);
        var tokens = Tokens(model, features);
        Assert.Equal((2, 64, model.FeatureWidth), (tokens.shape[0], tokens.shape[1], (int)tokens.shape[2]));
        // Gates of 0 let the image's tokens through later blocks as they are; then the output shows the first numbers of each normalised token.
        foreach (var parameter in model.Parameters)
        {
            var later = Enumerable.Range(blocks, model.Blocks - blocks).Any(block => parameter.Name.StartsWith($"transformer_blocks.{block}.norm1.linear.", StringComparison.Ordinal));
            if (later || parameter.Name.StartsWith("norm_out", StringComparison.Ordinal) || parameter.Name == "proj_out.bias") parameter.Value.zero_();
            if (parameter.Name == "proj_out.weight") parameter.Value.copy_(eye(parameter.Value.shape[0], parameter.Value.shape[1]));
        }
        model.Refresh();
        using var conditioning = Encode(model);
        var velocity = model.Velocity(Latents(model), [0.4], conditioning);
        var shown = velocity.view(2, 4, 8, 2, 8, 2).permute(0, 2, 4, 3, 5, 1).reshape(2, 64, 16);
        Agreement.Values(shown, nn.functional.layer_norm(tokens, [model.FeatureWidth], eps: 1e-6).narrow(2, 0, 16), "tokens", tolerance: 1e-6);
        using var all = model.OpenFeatures(model.Blocks);
        Assert.True(Tokens(model, all).equal(tokens).all().item<bool>());
    }

    [Theory]
    [InlineData("sd3", ScalarType.Float32)]
    [InlineData("sd3", ScalarType.BFloat16)]
    [InlineData("flux", ScalarType.Float32)]
    public void They_stay_while_all_weights_are_trained(string family, ScalarType type)
    {
        var model = family == "sd3" ? (IFeatureModel)Sd3(type) : _flux.Open(type);
        using var owner = (IDisposable)model;
        using var features = model.OpenFeatures(2);
        var before = (Tokens(model, features), Gradient(model, features), features.Captions(Encode(model)));
        using (no_grad())
        {
            foreach (var parameter in model.Parameters) parameter.Value.mul_(1.1);
        }
        model.Refresh();
        using var other = new Policy("other", [.. model.Parameters.Select(static parameter => parameter.Value.detach() * 1.2)]);
        using var now = model.OpenFeatures(2);
        Assert.False(Tokens(model, now).equal(before.Item1).all().item<bool>());
        using (model.Use(other))
        {
            Assert.True(Tokens(model, features).equal(before.Item1).all().item<bool>());
            Assert.True(Gradient(model, features).equal(before.Item2).all().item<bool>());
        }
        Assert.True(Tokens(model, features).equal(before.Item1).all().item<bool>());
        Assert.True(features.Captions(Encode(model)).equal(before.Item3).all().item<bool>());
        // No weight learns by them.
        Assert.All(model.Parameters, static parameter => Assert.Null(parameter.Value.grad));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_adapter_is_not_in_them_and_stays_attached(int blocksPerCheckpoint)
    {
        using var model = Sd3(frozen: true, blocksPerCheckpoint: blocksPerCheckpoint);
        using var features = model.OpenFeatures(3);
        var (tokens, gradient) = (Tokens(model, features), Gradient(model, features));
        var context = Context(ScalarType.Float32, frozen: false, 0);
        using var adapter = Recording.Require(new LoraAdapter(new LoraSettings(), context).Attach(model.Sites, RandomKey.OfRun(1)));
        using (no_grad())
        {
            foreach (var parameter in adapter.Parameters) parameter.Value.add_(0.1);
        }
        adapter.Refresh();
        var adapted = Velocity(model);
        Assert.True(Tokens(model, features).equal(tokens).all().item<bool>());
        Assert.True(Gradient(model, features).equal(gradient).all().item<bool>());
        Assert.True(Velocity(model).equal(adapted).all().item<bool>());
        using (adapter.SwitchOff()) Assert.False(Velocity(model).equal(adapted).all().item<bool>());
    }

    [Fact]
    public void Recomputation_changes_no_bit_of_their_gradient()
    {
        using var plain = Sd3();
        using var again = Sd3(blocksPerCheckpoint: 2);
        using var features = plain.OpenFeatures(3);
        using var same = again.OpenFeatures(3);
        Assert.True(Gradient(plain, features).equal(Gradient(again, same)).all().item<bool>());
    }

    [Fact]
    public void They_are_known_by_the_files_of_the_network()
    {
        var copy = TestModel.Copy();
        using var model = Sd3();
        var content = Recording.Require(model.FeatureContent());
        Assert.Matches("^[0-9a-f]{64}$", content);
        using (var same = TestModel.Open(copy)) Assert.Equal(content, Recording.Require(same.FeatureContent()));
        File.AppendAllText(Path.Combine(copy, "transformer", "config.json"), "\n");
        using (var other = TestModel.Open(copy)) Assert.NotEqual(content, Recording.Require(other.FeatureContent()));
        Directory.Delete(copy, recursive: true);
    }

    private static Sd3Model Sd3(ScalarType type = ScalarType.Float32, bool frozen = false, int blocksPerCheckpoint = 0) =>
        Recording.Require(Sd3Model.Load(new Sd3Settings { Folder = TestModel.Folder }, Context(type, frozen, blocksPerCheckpoint)));

    private static PartContext Context(ScalarType type, bool frozen, int blocksPerCheckpoint) => new()
    {
        Name = "sd3",
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = type,
        IsFrozen = frozen,
        BlocksPerCheckpoint = blocksPerCheckpoint,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    };

    private static Conditioning Encode(IFeatureModel model) => model.Encode(new ConditioningRequest(s_captions, Guidance.None, Size(model)));

    private static ImageSize Size(IFeatureModel model) => model is FluxModel ? FluxFolder.Size : model.NativeSize;

    private static Tensor Latents(IFeatureModel model) => RandomKey.OfRun(3).Normal(Recording.Require(model.Latents(Size(model))).Batch(2), CPU);

    private static Tensor Tokens(IFeatureModel model, IFeatures features)
    {
        using var gradients = no_grad();
        using var conditioning = Encode(model);
        return features.Tokens(Latents(model), [0.4], conditioning);
    }

    private static Tensor Gradient(IFeatureModel model, IFeatures features)
    {
        using var conditioning = Encode(model);
        var latents = Latents(model).requires_grad_();
        features.Tokens(latents, [0.4, 0.1], conditioning).sin().sum().backward();
        return latents.grad!;
    }

    private static Tensor Velocity(Sd3Model model)
    {
        using var gradients = no_grad();
        using var conditioning = Encode(model);
        return model.Velocity(Latents(model), [0.4], conditioning);
    }
}
