using LeapAlign.Adapters.Lora;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Models.Sd3;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>The second time of a network: what it changes, who trains it, and its file.</summary>
public sealed class FlowMapTests : IDisposable
{
    private static readonly string[] s_captions = ["a red circle", "two blue squares"];
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-map-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData("sd3")]
    [InlineData("flux")]
    [InlineData("z-image")]
    public void A_new_gap_changes_no_bit_of_the_velocity_wherever_a_jump_ends(string family)
    {
        using var gradients = no_grad();
        var (velocity, map) = (Open(family, flowMap: false), Open(family));
        Assert.False(velocity.IsFlowMap);
        Assert.True(map.IsFlowMap);
        var expected = Evaluated(velocity, static (model, latents, captions) => model.Velocity(latents, [0.9, 0.4], captions));
        Same(expected, Evaluated(map, static (model, latents, captions) => model.Velocity(latents, [0.9, 0.4], captions)));
        Same(expected, Evaluated(map, static (model, latents, captions) => model.MeanVelocity(latents, [0.9, 0.4], [0.2, 0], captions)));
        Assert.Throws<InvalidOperationException>(() => Evaluated(velocity, static (model, latents, captions) => model.MeanVelocity(latents, [0.9], [0.2], captions)));
    }

    [Theory]
    [InlineData("sd3", ScalarType.Float32)]
    [InlineData("sd3", ScalarType.BFloat16)]
    [InlineData("flux", ScalarType.Float32)]
    [InlineData("flux", ScalarType.BFloat16)]
    [InlineData("z-image", ScalarType.Float32)]
    [InlineData("z-image", ScalarType.BFloat16)]
    public void A_moved_gap_tells_ends_apart_and_the_velocity_is_the_diagonal(string family, ScalarType type)
    {
        using var gradients = no_grad();
        var map = Moved(Open(family, type));
        Tensor Jump(double to) => Evaluated(map, (model, latents, captions) => model.MeanVelocity(latents, [0.9], [to], captions));
        Same(Jump(0.9), Evaluated(map, static (model, latents, captions) => model.Velocity(latents, [0.9], captions)));
        // One number for all is that number for each.
        Same(Jump(0.5), Evaluated(map, static (model, latents, captions) => model.MeanVelocity(latents, [0.9, 0.9], [0.5], captions)));
        Assert.False(Jump(0.5).equal(Jump(0.45)).all().item<bool>());
        Assert.False(Jump(0.9).equal(Jump(0.5)).all().item<bool>());
        // Behind the gap, too, where differences look.
        Assert.False(Jump(0.91).equal(Jump(0.89)).all().item<bool>());
    }

    [Fact]
    public void The_first_time_of_a_jump_is_not_rounded_to_bf16_as_the_pipeline_rounds_it()
    {
        using var gradients = no_grad();
        // 0.8990 and 0.8995 are one number in bf16, and times 1000, too. The gap is the same, so that only the first time tells them apart.
        var (pipeline, map) = (Open("flux", ScalarType.BFloat16, flowMap: false), Open("flux", ScalarType.BFloat16));
        static Tensor Of(IFlowMapModel model, double sigma) => Evaluated(model, (own, latents, captions) => own.Velocity(latents, [sigma], captions));
        Same(Of(pipeline, 0.899), Of(pipeline, 0.8995));
        Assert.False(Of(map, 0.899).equal(Of(map, 0.8995)).all().item<bool>());
    }

    [Fact]
    public void The_encoding_is_smooth_and_knows_no_factor_of_a_thousand()
    {
        double[] gaps = [0, 0.1, -0.01, 1];
        var encoded = GapEmbedding.Encode(tensor(gaps, dtype: ScalarType.Float32)).to(ScalarType.Float64);
        Assert.Equal([4L, 32], encoded.shape);
        for (var row = 0; row < gaps.Length; row++)
        {
            for (var wave = 0; wave < 16; wave++)
            {
                var frequency = Math.PI / 2 * Math.Pow(16, wave / 15.0);
                Assert.Equal(Math.Cos(frequency * gaps[row]), encoded[row, wave].item<double>(), 5e-6);
                Assert.Equal(Math.Sin(frequency * gaps[row]), encoded[row, wave + 16].item<double>(), 5e-6);
            }
        }
    }

    [Theory]
    [InlineData("sd3", 0)]
    [InlineData("sd3", 2)]
    [InlineData("flux", 2)]
    [InlineData("z-image", 0)]
    [InlineData("z-image", 2)]
    public void Its_weights_learn_also_where_the_model_is_frozen_and_blocks_are_computed_again(string family, int blocksPerCheckpoint)
    {
        var (frozen, trained) = (Moved(Open(family, frozen: true, blocks: blocksPerCheckpoint)), Moved(Open(family)));
        Assert.Equal(["gap_embedder.linear_1.weight", "gap_embedder.linear_1.bias", "gap_embedder.linear_2.weight", "gap_embedder.linear_2.bias"], frozen.Parameters.Select(static parameter => parameter.Name));
        Assert.Equal(frozen.Parameters.Select(static parameter => parameter.Name), trained.Parameters.TakeLast(4).Select(static parameter => parameter.Name));
        Assert.Equal(((IFlowMapModel)trained is Contracts.Planning.IPlannedModel planned ? planned.TrainableNumbers : 0), trained.Parameters.Sum(static parameter => parameter.Value.numel()));
        foreach (var model in new[] { frozen, trained })
        {
            using var calls = new Contracts.Algorithms.GraphCalls();
            Evaluated(model, static (own, latents, captions) => own.MeanVelocity(latents, [0.9], [0.3], captions)).square().sum().backward();
            calls.Complete();
        }
        foreach (var (one, other) in frozen.Parameters.Zip(trained.Parameters.TakeLast(4)))
        {
            Assert.True(one.Value.grad!.abs().max().item<float>() > 0, one.Name);
            Agreement.Values(one.Value.grad!, other.Value.grad!, one.Name, 1e-5);
            Assert.Equal(ScalarType.Float32, one.Value.dtype);
        }
    }

    [Fact]
    public void Beside_an_adapter_both_are_one_policy_and_the_reference_is_free()
    {
        using var gradients = no_grad();
        var model = Open("sd3", frozen: true);
        using var adapter = Recording.Require(new LoraAdapter(new LoraSettings(), Context("sd3", ScalarType.Float32, frozen: true, 0)).Attach(model.Sites, RandomKey.OfRun(1)));
        var joint = new JointTrainable(adapter, model);
        static Tensor Of(IFlowMapModel own) => Evaluated(own, static (map, latents, captions) => map.MeanVelocity(latents, [0.8], [0.3], captions));
        var first = Of(model);
        using var policy = new Policy("first", [.. joint.Parameters.Select(static parameter => parameter.Value.clone())]);
        foreach (var parameter in joint.Parameters) parameter.Value.add_(0.05);
        joint.Refresh();
        var moved = Of(model);
        Assert.False(first.equal(moved).all().item<bool>());
        using (joint.Use(policy)) Same(first, Of(model));
        using (joint.UseReference()!)
        {
            Same(first, Of(model));
            using (joint.Use(policy)) Same(first, Of(model));
            Same(first, Of(model));
        }
        Same(moved, Of(model));
        // Each of the two alone is neither.
        using (adapter.SwitchOff()) Assert.False(Of(model).equal(first).all().item<bool>());
        using (model.UseReference()!) Assert.False(Of(model).equal(first).all().item<bool>());
        Assert.Equal(adapter.Parameters.Count + 4, joint.Parameters.Count);
        Assert.Equal(model.Parameters.Select(static parameter => parameter.Value.numel()), joint.Of([.. joint.Parameters.Select(static parameter => parameter.Value)], 1).Select(static value => value.numel()));
    }

    [Theory]
    [InlineData("sd3", false)]
    [InlineData("sd3", true)]
    [InlineData("flux", false)]
    [InlineData("z-image", false)]
    [InlineData("z-image", true)]
    public void An_export_draws_what_was_trained_and_has_one_file_more(string family, bool frozen)
    {
        using var gradients = no_grad();
        var model = Moved(Open(family, frozen: frozen));
        if (!frozen)
        {
            foreach (var parameter in model.Parameters) parameter.Value.mul_(1.01);
            model.Refresh();
        }
        var expected = Evaluated(model, static (own, latents, captions) => own.MeanVelocity(latents, [0.8], [0.3], captions));
        var export = new ExportRequest(At("export"), ScalarType.Float32) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] };
        var bytes = Recording.Require(model.CheckExport(export));
        Recording.Require(model.Export(export));
        Assert.Equal(bytes!.Value, Directory.EnumerateFiles(At("export"), "*", SearchOption.AllDirectories).Sum(static file => new FileInfo(file).Length), 200.0);
        var again = Open(family, folder: At("export"));
        Agreement.Values(Evaluated(again, static (own, latents, captions) => own.MeanVelocity(latents, [0.8], [0.3], captions)), expected, "the mean velocity", 1e-6);
        // What went on from a file needs a copy for the first policy.
        Assert.Null(Open(family, folder: At("export"), frozen: true).UseReference());
        Assert.Equal(
            Files(Source(family)).Append(IFlowMapModel.FileName).Append("README.md").Distinct().Order(StringComparer.Ordinal).Where(static name => !name.EndsWith(".md", StringComparison.Ordinal)),
            Files(At("export")).Where(static name => !name.EndsWith(".md", StringComparison.Ordinal)));
        var card = File.ReadAllText(Path.Combine(At("export"), "README.md"));
        Assert.Contains(IFlowMapModel.FileName, card, StringComparison.Ordinal);
        Assert.Contains("component", card, StringComparison.Ordinal);
        using var weights = Recording.Require(SafetensorsFolder.Open(Path.Combine(At("export"), "transformer")));
        Assert.Equal((IFlowMapModel.FileName, "pt"), (weights.Metadata(FlowMapFile.Key), weights.Metadata("format")));
        static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void The_weights_of_a_flow_map_are_refused_as_a_velocity_and_without_their_file()
    {
        var model = Open("sd3");
        Recording.Require(model.Export(new ExportRequest(At("export"), null) { Weights = [.. model.Parameters.Select(static parameter => parameter.Value)] }));
        var asVelocity = Refusal("sd3", flowMap: false);
        Assert.Equal(FaultCodes.FlowMapApart, asVelocity.Code);
        Assert.Contains("flowMap", asVelocity.Message, StringComparison.Ordinal);
        var file = Path.Combine(At("export"), IFlowMapModel.FileName);
        var bytes = File.ReadAllBytes(file);
        File.Delete(file);
        Assert.Equal((FaultCodes.FlowMapApart, file), (Refusal("sd3").Code, Refusal("sd3").Place?.File));
        Assert.Equal(FaultCodes.FlowMapApart, Refusal("sd3", flowMap: false).Code);
        // The file may lie elsewhere where settings name it.
        File.WriteAllBytes(At("elsewhere.safetensors"), bytes);
        Open("sd3", folder: At("export"), from: At("elsewhere.safetensors"));
        Assert.Equal(FaultCodes.FlowMapApart, Refusal("sd3", from: At("nowhere.safetensors")).Code);
        File.WriteAllBytes(file, bytes[..^5]);
        Assert.Equal((FaultCodes.FlowMapDamaged, file), (Refusal("sd3").Code, Refusal("sd3").Place?.File));
        Recording.Require(SafetensorsWriter.Write(file, [new TensorToWrite("gap_embedder.linear_1.weight", zeros(256, 16), ScalarType.Float32)]));
        Assert.Equal(FaultCodes.FlowMapDamaged, Refusal("sd3").Code);
        // Beside the weights of a velocity it says that somebody mixed folders up.
        File.Delete(file);
        Directory.Delete(Path.Combine(At("export"), "transformer"), recursive: true);
        Repository.CopyFolder(Path.Combine(Source("sd3"), "transformer"), Path.Combine(At("export"), "transformer"));
        File.WriteAllBytes(file, bytes);
        Assert.Equal(FaultCodes.FlowMapApart, Refusal("sd3", flowMap: false).Code);
    }

    [Fact]
    public void Features_of_a_flow_map_are_those_of_its_diagonal_as_it_was_opened()
    {
        using var gradients = no_grad();
        var model = (Sd3Model)Moved(Open("sd3"));
        using var features = model.OpenFeatures(2);
        Tensor Tokens()
        {
            using var captions = model.Encode(new ConditioningRequest(s_captions, Guidance.None, model.NativeSize));
            return features.Tokens(Latents(model), [0.4], captions);
        }

        var before = Tokens();
        var plain = (Sd3Model)Open("sd3", flowMap: false);
        using var others = plain.OpenFeatures(2);
        using var same = plain.Encode(new ConditioningRequest(s_captions, Guidance.None, plain.NativeSize));
        Assert.False(others.Tokens(Latents(plain), [0.4], same).equal(before).all().item<bool>());
        Moved(model);
        Same(before, Tokens());
    }

    public void Dispose()
    {
        _scope.Dispose();
        foreach (var model in _opened) model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private readonly List<IDisposable> _opened = [];

    private static string Source(string family) => SmallFamilies.Source(family);

    private string At(string name) => Path.Combine(_folder, name);

    private static PartContext Context(string family, ScalarType type, bool frozen, int blocks) => new()
    {
        Name = family,
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = type,
        IsFrozen = frozen,
        BlocksPerCheckpoint = blocks,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    };

    private static Result<IFlowMapModel> TryOpen(string family, PartContext context, string? folder, bool flowMap, string? from) =>
        SmallFamilies.Open(family, context, folder, flowMap: flowMap, from: from).Map(static model => (IFlowMapModel)model);

    private IFlowMapModel Open(string family, ScalarType type = ScalarType.Float32, bool frozen = false, int blocks = 0, bool flowMap = true, string? folder = null, string? from = null)
    {
        var model = Recording.Require(TryOpen(family, Context(family, type, frozen, blocks), folder, flowMap, from));
        _opened.Add((IDisposable)model);
        return model;
    }

    private Fault Refusal(string family, bool flowMap = true, string? from = null) =>
        TryOpen(family, Context(family, ScalarType.Float32, frozen: false, 0), At("export"), flowMap, from).Match(static _ => throw new InvalidOperationException("it was opened"), static fault => fault);

    // As training moves it.
    private static IFlowMapModel Moved(IFlowMapModel model)
    {
        using var _ = no_grad();
        foreach (var parameter in model.Parameters.TakeLast(4)) parameter.Value.add_(RandomKey.OfRun(3).For(parameter.Name).Normal([.. parameter.Value.shape], CPU), 0.1);
        model.Refresh();
        return model;
    }

    private static Tensor Latents(IFlowMapModel model) => RandomKey.OfRun(9).Normal(model.Latents(model.NativeSize).Match(static space => space, static fault => throw new FaultException(fault)).Batch(2), CPU);

    private static Tensor Evaluated(IFlowMapModel model, Func<IFlowMapModel, Tensor, Conditioning, Tensor> evaluate)
    {
        using var captions = model.Encode(new ConditioningRequest(s_captions, Guidance.None, model.NativeSize));
        return evaluate(model, Latents(model), captions);
    }

    private static void Same(Tensor expected, Tensor actual) => Assert.True(expected.equal(actual).all().item<bool>(), $"differ by {(expected - actual).abs().max().item<float>()}");
}
