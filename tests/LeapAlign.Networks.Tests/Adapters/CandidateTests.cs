using LeapAlign.Adapters.Lora;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>Adapters beside the one that is trained, which samples wear.</summary>
public sealed class CandidateTests : IDisposable
{
    private const int In = AdapterFiles.In, Out = AdapterFiles.Out;
    private readonly AdapterFiles _files = new();
    private readonly WeightSet _weights = new();
    private readonly Linear _query;
    private readonly Linear _value;

    public CandidateTests()
    {
        var block = _weights.Root / "transformer_blocks" / 0 / "attn";
        _query = new Linear(block / "to_q", In, Out, role: SiteRole.Attention);
        _value = new Linear(block / "to_v", In, Out, role: SiteRole.Attention);
        _weights.Allocate(CPU, float32);
        using var gradients = no_grad();
        foreach (var weight in _weights.All) weight.Master.copy_(AdapterFiles.Numbers(weight.Shape[0], weight.Shape.Count == 2 ? weight.Shape[1] : 1, weight.Name.Length).view([.. weight.Shape]));
        _weights.Refresh();
    }

    // One has factors for both layers, another for the one that is not trained: each at a scale of its own, beside the alpha of its file.
    private LoraSettings Settings => new()
    {
        Rank = 3,
        Alpha = 3,
        Targets = ["to_q"],
        Candidates =
        [
            new LoraCandidate { Name = "both", From = _files.Write("both.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Query), .. AdapterFiles.Diffusers(AdapterFiles.Value)]), Scale = 0.5 },
            new LoraCandidate { Name = "value", From = _files.Write("value.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Value, rank: 1), ($"transformer.{AdapterFiles.Value}.alpha", tensor(3f))]), Scale = -2 },
        ],
    };

    private static Tensor Input => AdapterFiles.Numbers(3, In, seed: 4);

    [Fact]
    public void What_is_worn_is_added_to_its_layers_at_its_scale()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (query, value) = (_query.Forward(Input), _value.Forward(Input));
        using var attached = Attach(Settings);
        Assert.Equal(["both", "value"], attached.Candidates);
        Assert.Equal(["to_q"], attached.Bound.Select(static site => site.Name.Split('.')[^1]));
        // Until something is worn, and where nothing is, it is what it was to the bit.
        Same(query, value);
        using (attached.Wear([])) Same(query, value);
        var (both, one) = (AdapterFiles.Update(0.5), AdapterFiles.Update(-6, rank: 1));
        using (attached.Wear(["both"]))
        {
            Agreement.Values(_query.Forward(Input), Merged("to_q", both), "query");
            Agreement.Values(_value.Forward(Input), Merged("to_v", both), "value");
            using (attached.Wear(["value"]))
            {
                Assert.True(_query.Forward(Input).equal(query).all().item<bool>());
                Agreement.Values(_value.Forward(Input), Merged("to_v", one), "value alone");
                using (attached.Wear([])) Same(query, value);
            }
            Agreement.Values(_query.Forward(Input), Merged("to_q", both), "query again");
        }
        using (attached.Wear(["both", "value"]))
        {
            var together = _value.Forward(Input);
            Agreement.Values(together, Merged("to_v", both + one), "together");
            using (attached.Wear(["value", "both"])) Assert.True(_value.Forward(Input).equal(together).all().item<bool>());
        }
        Same(query, value);
        attached.Dispose();
        Assert.All(_weights.Sites, static site => Assert.Null(site.Adapter));

        void Same(Tensor first, Tensor second)
        {
            Assert.True(_query.Forward(Input).equal(first).all().item<bool>());
            Assert.True(_value.Forward(Input).equal(second).all().item<bool>());
        }
    }

    [Fact]
    public void What_is_trained_is_beside_what_is_worn_and_has_the_gradient_of_both()
    {
        using var attached = Attach(Settings);
        Fill(attached);
        var (a, b) = (attached.Parameters[0].Value.detach().clone().requires_grad_(), attached.Parameters[1].Value.detach().clone().requires_grad_());
        var upstream = AdapterFiles.Numbers(3, Out, seed: 9);
        var merged = nn.functional.linear(Input, Weight("to_q.weight") + b.matmul(a) + AdapterFiles.Update(0.5).to(float32), Weight("to_q.bias")).square();
        merged.backward([upstream]);
        using (attached.Wear(["both"]))
        {
            var output = _query.Forward(Input).square();
            output.backward([upstream]);
            Agreement.Values(output, merged, "output");
            // The model without what is trained, with what is worn.
            using (attached.SwitchOff()) Agreement.Values(_query.Forward(Input), Merged("to_q", AdapterFiles.Update(0.5)), "off");
        }
        using (attached.SwitchOff()) Assert.True(_query.Forward(Input).equal(nn.functional.linear(Input, Weight("to_q.weight"), Weight("to_q.bias"))).all().item<bool>());
        Agreement.Gradient(attached.Parameters[0].Value.grad, a.grad!, 0, "A");
        Agreement.Gradient(attached.Parameters[1].Value.grad, b.grad!, 0, "B");
        Assert.Equal(2, attached.Parameters.Count);
    }

    // By the time of the backward something else is worn, or nothing.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_part_that_is_computed_again_wears_what_it_wore(bool off)
    {
        using var attached = Attach(Settings);
        Fill(attached);
        var part = new Recomputation([], _weights.Sites, inputs => [_value.Forward(_query.Forward(inputs[0]).narrow(-1, 0, In)).square()]);
        var (plain, again) = (Gradients(Plain), Gradients(input => part.Forward(input)[0]));
        Assert.All(plain.Zip(again), static pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));

        Tensor Plain(Tensor input) => _value.Forward(_query.Forward(input).narrow(-1, 0, In)).square();

        List<Tensor> Gradients(Func<Tensor, Tensor> compute)
        {
            foreach (var parameter in attached.Parameters) parameter.Value.grad = null;
            var input = Input.clone().requires_grad_();
            Tensor loss;
            using (off ? attached.SwitchOff() : null)
            using (attached.Wear(["both"])) loss = compute(input).sum();
            using (attached.Wear(["value"])) loss.backward();
            return [input.grad!.clone(), .. off ? [] : attached.Parameters.Select(static parameter => parameter.Value.grad!.clone())];
        }
    }

    [Fact]
    public void They_compute_in_the_precision_of_the_run()
    {
        _weights.ComputeIn(bfloat16);
        using var attached = Attach(Settings, bfloat16);
        using (attached.Wear(["both", "value"]))
        {
            Assert.All(_weights.Sites.SelectMany(static site => site.Adapter!.Tensors), static tensor => Assert.Equal(bfloat16, tensor.dtype));
            Assert.Equal(bfloat16, _value.Forward(Input.to(bfloat16)).dtype);
        }
    }

    [Fact]
    public void What_is_no_candidate_is_refused_and_leaves_nothing_attached()
    {
        var settings = Settings;
        using (var attached = Attach(settings)) Assert.Throws<ArgumentException>(() => attached.Wear(["both", "other"]));
        var twice = Refused(settings with { Candidates = [settings.Candidates[0], settings.Candidates[1] with { Name = "both" }] });
        Assert.Equal(FaultCodes.SettingsDoNotFit, twice.Code);
        Assert.Contains("two candidates are called 'both'", twice.Message, StringComparison.Ordinal);
        Assert.Equal(FaultCodes.ModelNotFound, Refused(settings with { Candidates = [new LoraCandidate { Name = "gone", From = "no/such/folder" }] }).Code);
        var other = _files.Write("other.safetensors", AdapterFiles.Diffusers("transformer_blocks.7.attn.to_q"));
        Assert.Equal(FaultCodes.TensorMismatch, Refused(settings with { Candidates = [settings.Candidates[0], new LoraCandidate { Name = "other", From = other }] }).Code);
        Assert.All(_weights.Sites, static site => Assert.Null(site.Adapter));
    }

    [Fact]
    public void The_part_says_whether_it_holds_candidates()
    {
        var part = new LoraPlugin().Parts.Single();
        Assert.Empty(part.Provides(part.ReadSettings("{}")));
        Assert.Equal([Capabilities.AdapterCandidates], part.Provides(part.ReadSettings("""{ "candidates": [{ "name": "a", "from": "b" }] }""")));
    }

    public void Dispose()
    {
        _weights.Dispose();
        _files.Dispose();
    }

    private static void Fill(IAttachedAdapter attached)
    {
        using (no_grad())
        {
            foreach (var (number, parameter) in attached.Parameters.Index()) parameter.Value.copy_(AdapterFiles.Numbers(parameter.Value.shape[0], parameter.Value.shape[1], number) * 0.5);
        }
        attached.Refresh();
    }

    private Tensor Merged(string layer, Tensor update) => nn.functional.linear(Input, Weight($"{layer}.weight") + update.to(float32), Weight($"{layer}.bias"));

    private Tensor Weight(string name) => _weights.All.Single(weight => weight.Name.EndsWith(name, StringComparison.Ordinal)).Master;

    private Result<IAttachedAdapter> Try(LoraSettings settings, ScalarType type)
    {
        var context = new PartContext { Name = "lora", BaseFolder = _files.Folder, Device = CPU, ComputeType = type, Logger = NullLogger.Instance, Warn = static fault => Assert.Fail(fault.ToString()) };
        return new LoraAdapter(settings, context).Attach(_weights.Sites, RandomKey.OfRun(1).For("adapter"));
    }

    private ICandidateAdapters Attach(LoraSettings settings, ScalarType type = ScalarType.Float32) => (ICandidateAdapters)Recording.Require(Try(settings, type));

    private Fault Refused(LoraSettings settings) => Try(settings, ScalarType.Float32).Match(static _ => throw new InvalidOperationException("it was attached"), static fault => fault);
}
