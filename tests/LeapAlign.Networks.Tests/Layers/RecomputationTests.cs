using LeapAlign.Adapters.Lora;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Layers;

/// <summary>Blocks that are computed again in the backward: the gradients of the plain graph to the last bit, and little memory.</summary>
public sealed class RecomputationTests
{
    private static readonly RandomKey s_key = RandomKey.OfRun(7);

    public static TheoryData<string, bool, bool, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, bool, bool, int>();
            foreach (var name in (string[])["sd3-plain", "sd3-dual", FluxCase.Dev, FluxCase.Schnell])
            {
                foreach (var half in (bool[])[false, true])
                {
                    foreach (var adapted in (bool[])[false, true])
                    {
                        cases.Add(name, half, adapted, 1);
                        cases.Add(name, half, adapted, 2);
                    }
                }
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Two_joined_evaluations_give_the_gradients_of_the_plain_graph(string name, bool half, bool adapted, int together)
    {
        using var scope = NewDisposeScope();
        var plain = Gradients(name, half, adapted, together: 0);
        var recomputed = Gradients(name, half, adapted, together);
        Assert.Equal(plain.Keys, recomputed.Keys);
        Assert.Contains(plain.Values, static gradient => gradient is not null && gradient.count_nonzero().item<long>() > 0);
        string[] other = [.. plain.Where(pair => !IsSame(pair.Value, recomputed[pair.Key])).Select(static pair => pair.Key)];
        Assert.True(other.Length == 0, $"{other.Length} of {plain.Count} gradients differ: {string.Join(", ", other)}");
    }

    [Theory]
    [InlineData("sd3-dual", "int8")]
    [InlineData(FluxCase.Dev, "int8")]
    [InlineData("sd3-plain", "nf4")]
    public void Quantised_weights_give_the_same_with_recomputation_and_the_gradients_of_the_weights_that_they_stand_for(string name, string quantization)
    {
        using var scope = NewDisposeScope();
        var unpacked = Gradients(name, half: false, adapted: true, together: 0, quantization, unpacked: true);
        var plain = Gradients(name, half: false, adapted: true, together: 0, quantization);
        var recomputed = Gradients(name, half: false, adapted: true, together: 1, quantization);
        Assert.DoesNotContain(plain, pair => !IsSame(pair.Value, recomputed[pair.Key]));
        Assert.Contains(Gradients(name, half: false, adapted: true, together: 0), pair => !IsSame(pair.Value, plain[pair.Key]));
        var largest = unpacked.Values.Max(static gradient => gradient?.norm().item<float>() ?? 0);
        Assert.All(unpacked, pair => Agreement.Gradient(plain[pair.Key] ?? zeros(1), pair.Value ?? zeros(1), largest, pair.Key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_decoder_gives_the_gradient_of_the_plain_graph(bool half)
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("vae");
        var (picture, gradient) = Decoded(recomputes: false);
        var (again, recomputed) = Decoded(recomputes: true);
        Same(picture, again, "picture");
        Same(gradient, recomputed, "latents");

        (Tensor Picture, Tensor? Gradient) Decoded(bool recomputes)
        {
            using var weights = new WeightSet();
            var network = new Autoencoder(Recording.Require(VaeConfig.Read(reference.ConfigPath)), weights.Root, recomputes);
            Recording.Require(weights.Load(reference.Weights, CPU, float32));
            weights.ComputeIn(half ? bfloat16 : float32);
            var latents = reference.Input("latents");
            var output = network.Decoder.Decode(latents);
            output.backward([reference.Recorded("upstream")]);
            return (output.detach(), latents.grad);
        }
    }

    [Fact]
    public void A_policy_that_ended_before_the_backward_is_what_the_backward_computes_with()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var layer = new Linear(weights.Root / "layer", 3, 3);
        Fill(weights, float32);
        weights.SetTrained(true);
        weights.Refresh();
        var part = new Recomputation(weights.All, [], inputs => [layer.Forward(inputs[0]).tanh()]);
        using var policy = new Policy("other", [.. weights.Parameters.Select(static weight => weight.Master.detach() * 3)]);
        Same(Gradient(layer.Forward), Gradient(input => part.Forward(input)[0], tanh: false), "input");

        Tensor? Gradient(Func<Tensor, Tensor> forward, bool tanh = true)
        {
            var input = s_key.For("input").Normal([2, 3], CPU).requires_grad_();
            Tensor output;
            using (weights.Use(policy)) output = tanh ? forward(input).tanh() : forward(input);
            output.sum().backward();
            return input.grad;
        }
    }

    [Fact]
    public void An_adapter_that_was_switched_off_meanwhile_has_its_gradient()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var layer = new Linear(weights.Root / "to_q", 3, 3, role: SiteRole.Attention);
        Fill(weights, float32);
        using var attached = Attach(weights, float32);
        var part = new Recomputation(weights.All, weights.Sites, inputs => [layer.Forward(inputs[0])]);
        var output = part.Forward(s_key.For("input").Normal([2, 3], CPU))[0];
        using (attached.SwitchOff()) output.sum().backward();
        Assert.All(attached.Parameters, static parameter => Assert.True(parameter.Value.grad!.count_nonzero().item<long>() > 0));
        // And one that was off has none, though it is on now.
        foreach (var parameter in attached.Parameters) parameter.Value.grad = null;
        var alone = s_key.For("input").Normal([2, 3], CPU).requires_grad_();
        using (attached.SwitchOff()) output = part.Forward(alone)[0];
        output.sum().backward();
        Assert.NotNull(alone.grad);
        Assert.All(attached.Parameters, static parameter => Assert.Null(parameter.Value.grad));
    }

    [Fact]
    public void What_the_computation_throws_comes_out_where_the_backward_was_asked_for()
    {
        using var scope = NewDisposeScope();
        using var calls = new GraphCalls();
        var times = 0;
        var part = new Recomputation([], [], inputs => times++ == 0 ? [inputs[0] * 2] : throw new InvalidOperationException("the second time"));
        var input = ones(2).requires_grad_();
        part.Forward(input)[0].sum().backward();
        Assert.Equal("the second time", Assert.Throws<InvalidOperationException>(calls.Complete).Message);
        // It came out once.
        calls.Complete();
    }

    [Fact]
    public void Whoever_runs_the_backward_hears_of_each_part_once_its_graph_is_gone()
    {
        using var scope = NewDisposeScope();
        List<long> alive = [];
        using var calls = new GraphCalls { Returned = () => alive.Add(TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount) };
        var (inside, part) = (0L, (Recomputation?)null);
        part = new Recomputation([], [], inputs =>
        {
            Tensor[] outputs = [inputs[0].sin().square().exp()];
            inside = Math.Max(inside, TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
            return outputs;
        });
        var input = ones(2).requires_grad_();
        part.Forward(part.Forward(input)[0])[0].sum().backward();
        calls.Complete();
        Assert.Equal(2, alive.Count);
        Assert.All(alive, left => Assert.True(left < inside));
    }

    // Autograd has threads of its own for GPUs, without dispose scopes and without what this thread has set.
    [Fact]
    public void A_backward_on_another_thread_has_the_same_gradients_and_leaves_nothing_behind()
    {
        using var scope = NewDisposeScope();
        using var calls = new GraphCalls();
        var times = 0;
        var part = new Recomputation([], [], inputs => times++ < 2 ? [inputs[0].square()] : throw new InvalidOperationException("on another thread"));
        var input = tensor(new[] { 2f, 3f }).requires_grad_();
        var output = part.Forward(input)[0].sum();
        var alive = 0L;
        OnAnotherThread(() =>
        {
            output.backward();
            calls.Complete();
            alive = TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        });
        Assert.Equal([4f, 6f], input.grad!.data<float>().ToArray());
        Assert.Equal(0, alive);
        times = 0;
        var second = part.Forward(input)[0].sum();
        times = 2;
        OnAnotherThread(() => second.backward());
        Assert.Equal("on another thread", Assert.Throws<InvalidOperationException>(calls.Complete).Message);
    }

    private static void OnAnotherThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }

    private static Dictionary<string, Tensor?> Gradients(string name, bool half, bool adapted, int together, string quantization = "none", bool unpacked = false)
    {
        var reference = new ReferenceCase(name);
        using var weights = new WeightSet();
        Func<Tensor, Tensor> evaluate;
        Tensor input;
        if (name.StartsWith("flux", StringComparison.Ordinal))
        {
            var recorded = new FluxCase(name, new WeightSet());
            var network = new FluxTransformer(recorded.Config, weights.Root, together);
            (input, evaluate) = (recorded.Tensors["tokens"], tokens => network.Forward(recorded.Inputs with { Tokens = tokens }));
        }
        else
        {
            var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(reference.ConfigPath)), weights.Root, together);
            input = reference.Input("latents");
            evaluate = latents => network.Forward(latents, reference.Recorded("in.context"), reference.Recorded("in.pooled"), reference.Recorded("in.timestep"));
        }
        if (Networks.Quantization.Quantization.Of(quantization) is { } form) Quantise(reference, weights, form);
        else Recording.Require(weights.Load(reference.Weights, CPU, float32));
        if (unpacked)
        {
            // What the quantised weights stand for, as weights of a network that knows nothing of them.
            using var _ = no_grad();
            foreach (var weight in weights.All.Where(static weight => weight.IsQuantised).ToArray()) weight.Store(weight.Value, CPU);
        }
        weights.SetTrained(!adapted);
        weights.ComputeIn(half ? bfloat16 : float32);
        using var attached = adapted ? Attach(weights, half ? bfloat16 : float32) : null;
        // As two anchors of a rollout are joined.
        var first = evaluate(input);
        var second = evaluate(input - (0.3 * first));
        ((first * reference.Recorded("upstream")).sum() + second.square().sum()).backward();
        var gradients = (attached?.Parameters ?? weights.ToParameterSet()).ToDictionary(static parameter => parameter.Name, static parameter => parameter.Value.grad?.clone());
        gradients["input"] = input.grad;
        return gradients;
    }

    private static void Quantise(ReferenceCase reference, WeightSet weights, Networks.Quantization.Quantization form)
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-bits-").FullName;
        try
        {
            Recording.Require(SafetensorsWriter.WriteFolder(folder, "model", [.. reference.Weights.Entries.Select(entry => new TensorToWrite(entry.Key, Recording.Require(reference.Weights.Read(entry.Key)), entry.Value.Type))]));
            using var source = Recording.Require(SafetensorsFolder.Open(folder));
            var cache = new Networks.Quantization.QuantizationCache(folder);
            Recording.Require(weights.Load(source, CPU, float32, quantized: named => cache.Open(source, named, form).Map(file => (file, form))));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IAttachedAdapter Attach(WeightSet weights, ScalarType type)
    {
        var context = new PartContext { Name = "lora", BaseFolder = ".", Device = CPU, ComputeType = type, Logger = NullLogger.Instance, Warn = _ => { } };
        var attached = Recording.Require(new LoraAdapter(new LoraSettings { Rank = 2, Alpha = 3, Targets = [.. weights.Sites.Where(static site => site.Role != SiteRole.Unread).Select(static site => site.Name)] }, context).Attach(weights.Sites, s_key));
        using (no_grad())
        {
            foreach (var parameter in attached.Parameters) parameter.Value.copy_(s_key.For(parameter.Name).Normal(parameter.Value.shape, CPU) * 0.2);
        }
        attached.Refresh();
        return attached;
    }

    private static void Fill(WeightSet weights, ScalarType type)
    {
        weights.Allocate(CPU, type);
        using var _ = no_grad();
        foreach (var weight in weights.All) weight.Master.copy_(s_key.For(weight.Name).Normal([.. weight.Shape], CPU) * 0.3);
        weights.Refresh();
    }

    private static bool IsSame(Tensor? expected, Tensor? actual) => expected is null || actual is null ? expected is null && actual is null : expected.equal(actual).all().item<bool>();

    private static void Same(Tensor? expected, Tensor? actual, string what)
    {
        if (expected is null || actual is null)
        {
            Assert.True(expected is null && actual is null, what);
            return;
        }
        Assert.True(expected.equal(actual).all().item<bool>(), $"{what} differs by up to {(expected - actual).abs().max().item<float>()}");
    }
}
