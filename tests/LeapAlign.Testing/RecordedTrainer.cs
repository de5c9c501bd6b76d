using System.Text.Json;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using Xunit;
using static TorchSharp.torch;

namespace LeapAlign.Testing;

/// <summary>
/// One recorded update of a published trainer on a small SD3 transformer (tests/fixtures/algorithms): its inputs as a micro-batch, what the network and the
/// reward were asked, and the comparison with what was recorded.
/// </summary>
public sealed class RecordedTrainer : IDisposable
{
    private readonly JsonDocument _index = Index();
    private readonly Recording _batch = new("algorithms", "batch.safetensors");
    private readonly WeightSet _weights = new();
    private readonly Sd3Transformer _network;
    private readonly List<(double Timestep, bool Gradient, long Batch)> _calls = [];
    private Tensor? _scored;

    /// <summary>Loads a case.</summary>
    /// <param name="name">A key of index.json.</param>
    /// <param name="model">The folder of the weights.</param>
    public RecordedTrainer(string name, string model = "model")
    {
        Expected = _index.RootElement.GetProperty(name);
        Recorded = new Recording("algorithms", name + ".safetensors");
        var folder = Repository.Fixture("algorithms", model);
        _network = new Sd3Transformer(Recording.Require(Sd3Config.Read(Path.Combine(folder, "config.json"))), _weights.Root);
        Recording.Require(_weights.Load(Recording.Require(SafetensorsFolder.Open(folder)), CPU, float32));
        _weights.SetTrained(true);
    }

    /// <summary>The entry of index.json.</summary>
    public JsonElement Expected { get; }

    /// <summary>The tensors of the case.</summary>
    public Recording Recorded { get; }

    public JsonElement Options => Expected.GetProperty("options");

    /// <summary>The noise levels of a direct-gradient case.</summary>
    public Schedule Schedule => Sigmas.Explicit(Options.GetProperty("rollout_steps").GetInt32(), Number("shift", 1));

    /// <summary>The cases of an algorithm: the id is the longest that a name starts with.</summary>
    public static IReadOnlyList<string> Cases(string id, params IReadOnlyList<string> longerIds)
    {
        using var index = Index();
        return [.. index.RootElement.EnumerateObject().Select(static entry => entry.Name)
            .Where(name => Is(name, id) && !longerIds.Any(longer => Is(name, longer)))];

        static bool Is(string name, string id) => name == id || name.StartsWith(id + "-", StringComparison.Ordinal);
    }

    /// <summary>An option, or the default that the published code has when a case does not set it.</summary>
    public double Number(string option, double absent) => Options.TryGetProperty(option, out var value) ? value.GetDouble() : absent;

    /// <summary>An option, or the default that the published code has when a case does not set it.</summary>
    public string Word(string option, string absent) => Options.TryGetProperty(option, out var value) ? value.GetString()! : absent;

    /// <summary>One of the trainer's own logs.</summary>
    public double Metric(string name) => Expected.GetProperty("metrics").GetProperty(name).GetDouble();

    /// <summary>Steps of the schedule that were evaluated with gradient, in order. Under guidance only the conditional branch counts.</summary>
    public IReadOnlyList<int> GradientSteps
    {
        get
        {
            var schedule = Schedule;
            var calls = Expected.GetProperty("calls").EnumerateArray().Where(static call => call.GetProperty("grad").GetBoolean())
                .Select(static call => call.GetProperty("timestep").GetDouble() / 1000);
            return [.. calls.Select(sigma => Enumerable.Range(0, schedule.Steps).MinBy(step => Math.Abs(schedule.Sigma(step) - sigma))).Distinct()];
        }
    }

    /// <summary>The network under the case's captions and guidance.</summary>
    public NetworkVelocity Network()
    {
        var guidance = new Guidance(Number("cfg_guidance", 1), Options.TryGetProperty("cfg_detach_neg", out var detach) && detach.GetBoolean());
        return (latents, sigmas) => guidance.Apply(
            latents, state => Branch("context", "pooled", sigmas)(state, 0), state => (guidance.IsActive ? Branch("negative_context", "negative_pooled", sigmas) : Never)(state, 0));
    }

    /// <summary>The case as a micro-batch.</summary>
    public MicroBatch Batch(ISampler sampler) => new(Services())
    {
        Prompts = [.. Enumerable.Range(0, (int)Recorded["noise"].shape[0]).Select(static id => new Prompt(id, $"prompt {id}"))],
        Noise = Recorded["noise"],
        Schedule = Schedule,
        Sampler = sampler,
        Samples = [.. Enumerable.Range(0, (int)Recorded["noise"].shape[0])],
        Random = RandomKey.OfRun(0),
        StepKey = RandomKey.OfRun(0),
    };

    /// <summary>Runs a step of one micro-batch as the host does and returns its objectives.</summary>
    public IReadOnlyList<Objective> Descend(IAlgorithm algorithm, ISampler sampler)
    {
        List<Objective> objectives = [];
        foreach (var objective in algorithm.Step(new AlignmentStep(Services()) { Index = 0, Batches = [Batch(sampler)], Random = RandomKey.OfRun(0) }))
        {
            (objective.Loss * objective.Share).backward();
            objectives.Add(objective);
        }
        return objectives;
    }

    /// <summary>Compares what the reward saw, the rewards, the weights where the case has them, the loss and every gradient.</summary>
    public void Compare(IReadOnlyList<Objective> objectives)
    {
        Agreement.Values(_scored!, Recorded["x0"], "x0");
        Agreement.Values(Measured(objectives[0], "reward"), Recorded["reward"], "reward");
        if (objectives[0].Measurements.Any(static measured => measured.Name == "weight")) Agreement.Values(Measured(objectives[0], "weight"), Recorded["weight"], "weight");
        Agreement.Values(objectives.Select(static objective => objective.Loss.detach() * objective.Share).Aggregate(static (sum, next) => sum + next).reshape(1), Recorded["loss"], "loss");
        CompareGradients();
    }

    /// <summary>Compares every recorded gradient, and the norm over all parameters.</summary>
    public void CompareGradients()
    {
        var gradients = _weights.Parameters.ToDictionary(static weight => weight.Name, static weight => weight.Master.grad);
        var names = Recorded.Under("grad.").ToList();
        Assert.NotEmpty(names);
        var largest = names.Max(name => Recorded["grad." + name].norm().item<float>());
        foreach (var name in names) Agreement.Gradient(gradients[name], Recorded["grad." + name], largest, name);
        var norm = Math.Sqrt(gradients.Values.Where(static gradient => gradient is not null).Sum(static gradient => Math.Pow(gradient!.to(float64).norm().item<double>(), 2)));
        Agreement.GradientNorm(norm, Expected.GetProperty("gradient_norm").GetDouble(), largest, "all parameters");
    }

    /// <summary>Compares the list of network calls.</summary>
    public void CompareCalls() => Assert.Equal(
        Expected.GetProperty("calls").EnumerateArray().Select(static call => (call.GetProperty("timestep").GetDouble(), call.GetProperty("grad").GetBoolean(), call.GetProperty("batch").GetInt64())),
        _calls);

    /// <summary>What an objective measured under a name, without gradient.</summary>
    public static Tensor Measured(Objective objective, string name) => objective.Measurements.Single(measured => measured.Name == name).Value.detach();

    public void Dispose()
    {
        _weights.Dispose();
        _index.Dispose();
    }

    private ScriptedStep Services() => new(Network(), latents =>
    {
        _scored = latents.detach();
        return Scores.Of((latents * _batch["reward_weight"]).flatten(1).sum(1));
    });

    private Velocity Branch(string context, string pooled, IReadOnlyList<double> sigmas) => (latents, _) =>
    {
        float[] times = [.. sigmas.Select(static sigma => 1000f * (float)sigma)];
        var time = times.Length == 1 ? full([latents.shape[0]], times[0], dtype: float32) : tensor(times);
        _calls.Add((times[0], is_grad_enabled(), latents.shape[0]));
        return _network.Forward(latents, Repeated(_batch[context], latents.shape[0]), Repeated(_batch[pooled], latents.shape[0]), time);
    };

    // draft-lv hands in several whole batches, one after another.
    private static Tensor Repeated(Tensor batch, long samples) => batch.repeat([samples / batch.shape[0], .. Enumerable.Repeat(1L, (int)batch.dim() - 1)]);

    private static Tensor Never(Tensor latents, int step) => throw new InvalidOperationException("evaluated without guidance");

    private static JsonDocument Index() => JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("algorithms", "index.json")));
}
