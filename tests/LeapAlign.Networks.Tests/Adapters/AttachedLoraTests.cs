using LeapAlign.Adapters.Files;
using LeapAlign.Adapters.Lora;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>The adapter attached to networks.</summary>
public sealed class AttachedLoraTests : IDisposable
{
    private const int In = 6;
    private const int Out = 5;
    private readonly AdapterFiles _files = new();
    private readonly WeightSet _weights = new();
    private readonly Linear _query;
    private readonly Linear _value;

    public AttachedLoraTests()
    {
        var block = _weights.Root / "transformer_blocks" / 0 / "attn";
        _query = new Linear(block / "to_q", In, Out, role: SiteRole.Attention);
        _value = new Linear(block / "to_v", In, Out, role: SiteRole.Attention);
        _ = new Linear(block / "add_q_proj", In, Out, role: SiteRole.Unread);
        _weights.Allocate(CPU, float32);
        using var gradients = no_grad();
        foreach (var weight in _weights.All) weight.Master.copy_(AdapterFiles.Numbers(weight.Shape[0], weight.Shape.Count == 2 ? weight.Shape[1] : 1, weight.Name.Length).view([.. weight.Shape]));
        _weights.Refresh();
    }

    private static Tensor Input => AdapterFiles.Numbers(3, In, seed: 4);

    [Theory]
    [InlineData("lora-peft")]
    [InlineData("lora")]
    public void A_network_that_goes_on_from_a_recorded_file_gives_the_recorded_output(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var recorded = new AdapterCase(name);
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(Repository.Fixture(recorded.Base, "config.json"))), weights.Root);
        using (var file = Recording.Require(SafetensorsFile.Open(Repository.Fixture(recorded.Base, "diffusion_pytorch_model.safetensors"))))
            Recording.Require(weights.Load(file, CPU, float32));
        var from = recorded.FilePath;
        if (recorded.FileName == LoraFile.FileName)
        {
            // A plain file of diffusers does not say its alpha: whoever recorded it does.
            using var plain = Recording.Require(LoraFile.Read(from, weights.Sites));
            using var scaled = new LoraWeights();
            foreach (var (module, own) in plain.Modules) scaled.Add(module, new LoraFactors(own.A.clone(), own.B.clone(), recorded.Alpha!.Value));
            Recording.Require(LoraWriter.Write(from = Path.Combine(_files.Folder, LoraFile.FileName), scaled));
        }
        var io = new Recording(recorded.Base, "io.safetensors");
        Tensor Velocity() => network.Forward(io["in.latents"], io["in.context"], io["in.pooled"], io["in.timestep"]);
        var alone = Velocity();
        using var attached = Attach(new LoraSettings { From = from }, weights.Sites);
        Agreement.Values(Velocity(), recorded.Expected["out"], name);
        using (attached.SwitchOff()) Assert.True(Velocity().equal(alone).all().item<bool>());
        // Training starts from the file here, and not from the model alone.
        Assert.Null(attached.UseReference());
        // Merged, the layers compute the same without the adapter.
        foreach (var site in attached.Bound)
        {
            weights.All.Single(weight => weight.Name == $"{site.Name}.weight").Master.add_(attached.UpdateOf(site, Values(attached)));
        }
        using (attached.SwitchOff()) Agreement.Values(Velocity(), recorded.Expected["out"], "merged");
    }

    [Fact]
    public void The_model_is_what_it_was_until_the_first_update()
    {
        var before = _query.Forward(Input);
        using (var attached = Attach(new LoraSettings { Rank = 2 }))
        {
            Assert.True(_query.Forward(Input).equal(before).all().item<bool>());
            Assert.Equal(["transformer_blocks.0.attn.to_q", "transformer_blocks.0.attn.to_v"], attached.Bound.Select(static site => site.Name));
            Assert.Equal(
                ["transformer_blocks.0.attn.to_q.lora_A.weight", "transformer_blocks.0.attn.to_q.lora_B.weight", "transformer_blocks.0.attn.to_v.lora_A.weight", "transformer_blocks.0.attn.to_v.lora_B.weight"],
                attached.Parameters.Select(static parameter => parameter.Name));
            Assert.All(attached.Parameters, static parameter => Assert.Equal((ParameterRole.Adapter, float32, true), (parameter.Role, parameter.Value.dtype, parameter.Value.requires_grad)));
            Fill(attached, Half(attached));
            Assert.False(_query.Forward(Input).equal(before).all().item<bool>());
        }
        Assert.True(_query.Forward(Input).equal(before).all().item<bool>());
    }

    [Fact]
    public void The_output_and_the_gradients_are_those_of_the_merged_weight()
    {
        using var attached = Attach(new LoraSettings { Rank = 2, Alpha = 3 });
        Fill(attached, Half(attached));
        var upstream = AdapterFiles.Numbers(3, Out, seed: 9);
        var output = _query.Forward(Input);
        output.backward([upstream]);
        var (a, b) = (attached.Parameters[0].Value.detach().clone().requires_grad_(), attached.Parameters[1].Value.detach().clone().requires_grad_());
        var merged = nn.functional.linear(Input, Weight("to_q.weight") + (1.5 * b.matmul(a)), Weight("to_q.bias"));
        merged.backward([upstream]);
        Agreement.Values(output, merged, "output");
        Agreement.Gradient(attached.Parameters[0].Value.grad, a.grad!, 0, "A");
        Agreement.Gradient(attached.Parameters[1].Value.grad, b.grad!, 0, "B");
        Assert.Null(Weight("to_q.weight").grad);
    }

    [Fact]
    public void At_first_B_alone_has_a_gradient()
    {
        using var attached = Attach(new LoraSettings { Rank = 2 });
        _query.Forward(Input).sum().backward();
        Assert.Equal(0, attached.Parameters[0].Value.grad!.count_nonzero().item<long>());
        Assert.NotEqual(0, attached.Parameters[1].Value.grad!.count_nonzero().item<long>());
    }

    [Fact]
    public void Layers_compute_in_the_precision_of_the_run_and_gradients_are_added_up_in_single()
    {
        _weights.ComputeIn(bfloat16);
        using var attached = Attach(new LoraSettings { Rank = 2 }, type: bfloat16);
        Fill(attached, Half(attached));
        var tensors = attached.Bound[0].Adapter!.Tensors;
        Assert.All(tensors, static tensor => Assert.Equal(bfloat16, tensor.dtype));
        var output = _query.Forward(Input.to(bfloat16));
        Assert.Equal(bfloat16, output.dtype);
        output.sum().backward();
        Assert.Equal(float32, attached.Parameters[0].Value.grad!.dtype);
    }

    [Fact]
    public void A_begins_gaussian_with_one_over_the_rank_whatever_else_is_trained()
    {
        AdapterSite[] sites = [new("wide.to_q", 400, 300, SiteRole.Attention), new("wide.to_v", 400, 300, SiteRole.Attention)];
        using var both = Attach(new LoraSettings { Rank = 50 }, sites);
        using var other = Attach(new LoraSettings { Rank = 50 }, [new("wide.to_v", 400, 300, SiteRole.Attention)]);
        var (query, value) = (both.Parameters[0].Value, both.Parameters[2].Value);
        Assert.Equal(1.0 / 50, query.std().item<float>(), 3);
        Assert.Equal(0, query.mean().item<float>(), 3);
        Assert.True(value.equal(other.Parameters[0].Value).all().item<bool>());
        Assert.False(value.equal(query).all().item<bool>());
        Assert.Equal(0, both.Parameters[1].Value.count_nonzero().item<long>());
    }

    [Fact]
    public void Policies_and_the_reference_nest_and_the_last_one_holds()
    {
        using var attached = Attach(new LoraSettings { Rank = 2 });
        var alone = _query.Forward(Input).detach();
        Fill(attached, Half(attached));
        var trained = _query.Forward(Input).detach();
        using var policy = new Policy("other", [.. Half(attached).Select(static value => value * 3)]);
        Assert.True(attached.Bound[0].Adapter!.Tensors.Count > 0);
        using (attached.Use(policy))
        {
            var other = _query.Forward(Input).detach();
            Assert.False(other.allclose(trained));
            using (attached.UseReference())
            {
                Assert.True(_query.Forward(Input).equal(alone).all().item<bool>());
                using (attached.Use(policy)) Assert.True(_query.Forward(Input).equal(other).all().item<bool>());
                Assert.True(_query.Forward(Input).equal(alone).all().item<bool>());
            }
            Assert.True(_query.Forward(Input).equal(other).all().item<bool>());
        }
        Assert.True(_query.Forward(Input).equal(trained).all().item<bool>());
    }

    [Fact]
    public void What_is_written_is_read_back_and_trains_on_elsewhere()
    {
        using var attached = Attach(new LoraSettings { Rank = 2, Alpha = 4 });
        Fill(attached, Half(attached));
        var folder = Path.Combine(_files.Folder, "adapter");
        Recording.Require(attached.Write(folder, Values(attached)));
        Assert.Equal([LoraFile.FileName], Directory.GetFiles(folder).Select(Path.GetFileName));
        Assert.InRange(new FileInfo(Path.Combine(folder, LoraFile.FileName)).Length, 1, attached.Bytes + 1024);
        var read = Recording.Require(attached.Read(folder));
        Assert.All(read.Zip(attached.Parameters), static pair => Assert.True(pair.First.equal(pair.Second.Value).all().item<bool>()));
        foreach (var tensor in read) tensor.Dispose();
        var trained = _query.Forward(Input).detach();
        attached.Dispose();
        using var later = Attach(new LoraSettings { Rank = 7, Alpha = 1, From = "adapter" });
        Assert.True(_query.Forward(Input).equal(trained).all().item<bool>());
    }

    [Fact]
    public void Values_that_are_written_stay_the_callers()
    {
        using var attached = Attach(new LoraSettings { Rank = 2 });
        using var inner = NewDisposeScope();
        var values = Half(attached).Select(static value => value.to(float64)).ToArray();
        Recording.Require(attached.Write(Path.Combine(_files.Folder, "adapter"), values));
        using var update = attached.UpdateOf(attached.Bound[0], values);
        Assert.Equal(float32, update.dtype);
        Assert.All(values, static value => Assert.False(value.IsInvalid));
        Agreement.Values(update, values[1].matmul(values[0]) * 64, "update");
    }

    [Theory]
    [InlineData("attn.to_qq", "attn.to_q")]
    [InlineData("atention", "attention")]
    [InlineData("o_q", "to_q")]
    [InlineData("add_q_proj", "to_q")]
    [InlineData("feed-forward", "attention")]
    public void A_target_that_names_no_layer_is_a_fault_with_the_nearest_names(string target, string nearest)
    {
        var fault = Refused(new LoraSettings { Rank = 2, Targets = ["to_v", target] });
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains($"'{target}' names no layer", fault.Message, StringComparison.Ordinal);
        Assert.Contains(nearest, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("to_q", "to_q")]
    [InlineData("attn.to_*", "to_q to_v")]
    [InlineData("blocks.0.attn.to_q", "")]
    [InlineData("transformer_blocks.*.to_v", "to_v")]
    [InlineData("attention", "to_q to_v")]
    public void Targets_are_roles_and_ends_of_paths(string target, string expected)
    {
        if (expected.Length == 0)
        {
            Assert.Equal(FaultCodes.SettingsDoNotFit, Refused(new LoraSettings { Rank = 2, Targets = [target] }).Code);
            return;
        }
        using var attached = Attach(new LoraSettings { Rank = 2, Targets = [target] });
        Assert.Equal(expected.Split(' '), attached.Bound.Select(static site => site.Name.Split('.')[^1]));
    }

    [Fact]
    public void A_rank_above_the_smaller_width_names_the_layer()
    {
        var fault = Refused(new LoraSettings { Rank = 6 });
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("at most 5", fault.Message, StringComparison.Ordinal);
        Assert.Null(_weights.Sites[0].Adapter);
    }

    [Fact]
    public void Targets_beside_a_file_add_layers_and_may_not_leave_any_out()
    {
        using (var first = Attach(new LoraSettings { Rank = 2, Targets = ["to_q"] }))
        {
            Fill(first, Half(first));
            Recording.Require(first.Write(Path.Combine(_files.Folder, "adapter"), Values(first)));
        }
        using (var more = Attach(new LoraSettings { Rank = 3, Alpha = 5, From = "adapter", Targets = ["attention"] }))
            Assert.Equal([2L, 3L], new[] { more.Parameters[0].Value.shape[0], more.Parameters[2].Value.shape[0] });
        var fault = Refused(new LoraSettings { From = "adapter", Targets = ["to_v"] });
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("to_q", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_model_leaves_nothing_attached()
    {
        var fault = Refused(new LoraSettings { From = _files.Write("other.safetensors", AdapterFiles.Diffusers("transformer_blocks.7.attn.to_q")) });
        Assert.Equal(FaultCodes.TensorMismatch, fault.Code);
        Assert.All(_weights.Sites, static site => Assert.Null(site.Adapter));
    }

    public void Dispose()
    {
        _weights.Dispose();
        _files.Dispose();
    }

    private static Tensor[] Half(IAttachedAdapter attached) => [.. attached.Parameters.Select(static (parameter, i) => AdapterFiles.Numbers(parameter.Value.shape[0], parameter.Value.shape[1], i) * 0.5)];

    private static Tensor[] Values(IAttachedAdapter attached) => [.. attached.Parameters.Select(static parameter => parameter.Value)];

    private static void Fill(IAttachedAdapter attached, Tensor[] values)
    {
        using (no_grad())
        {
            foreach (var (parameter, value) in attached.Parameters.Zip(values)) parameter.Value.copy_(value);
        }
        attached.Refresh();
    }

    private Tensor Weight(string name) => _weights.All.Single(weight => weight.Name.EndsWith(name, StringComparison.Ordinal)).Master;

    private Result<IAttachedAdapter> Try(LoraSettings settings, IReadOnlyList<AdapterSite> sites, ScalarType type)
    {
        var context = new PartContext { Name = "lora", BaseFolder = _files.Folder, Device = CPU, ComputeType = type, Logger = NullLogger.Instance, Warn = static fault => Assert.Fail(fault.ToString()) };
        return new LoraAdapter(settings, context).Attach(sites, RandomKey.OfRun(1).For("adapter"));
    }

    private IAttachedAdapter Attach(LoraSettings settings, IReadOnlyList<AdapterSite>? sites = null, ScalarType type = ScalarType.Float32) => Recording.Require(Try(settings, sites ?? _weights.Sites, type));

    private Fault Refused(LoraSettings settings) => Try(settings, _weights.Sites, ScalarType.Float32).Match(static _ => throw new InvalidOperationException("it was attached"), static fault => fault);
}
