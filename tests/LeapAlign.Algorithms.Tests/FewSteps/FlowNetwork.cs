using System.Text.Json;
using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Algorithms.FewSteps.Reflow;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>
/// A flow in double on one dimension or several, as a host serves it: any velocity, which may differ between the trained policy and the first one, with and without guidance. Samples are
/// rolled out by Euler steps.
/// </summary>
internal sealed class FlowNetwork : IStepServices
{
    private string _used = Trained;

    public const string Trained = "trained";

    /// <summary>From x, σ [B, 1], the policy and whether it is guided, to v.</summary>
    public required Func<Tensor, Tensor, Asked, Tensor> Flow { get; init; }

    /// <summary>From x, s and t [B, 1], the policy and whether it is guided, to u; null for a velocity alone.</summary>
    public Func<Tensor, Tensor, Tensor, Asked, Tensor>? Map { get; init; }

    /// <summary>From x, σ [B, 1] to the velocity of a second model.</summary>
    public Func<Tensor, Tensor, Tensor>? Teacher { get; init; }

    public Schedule Schedule { get; init; } = new(Enumerable.Range(0, 11).Select(static step => 1 - (step / 10.0)));

    public string[] Captions { get; init; } = ["a", "b", "a", "c"];

    /// <summary>Micro-batches that the captions are cut into.</summary>
    public int Batches { get; init; } = 1;

    public int Dimensions { get; init; } = 2;

    public int Index { get; init; }

    public long Seed { get; init; } = 5;

    public List<Call> Calls { get; } = [];

    /// <summary>What samplers reached, as a host keeps it for objectives beside the algorithm's.</summary>
    public Dictionary<int, double[]> Kept { get; } = [];

    public AlignmentStep Step() => new(this)
    {
        Index = Index,
        Batches = [.. Captions.Select(static (caption, sample) => (caption, sample)).Chunk(Captions.Length / Batches).Select((samples, index) => Batch(index, [.. samples.Select(static one => (long)one.sample)], [.. samples.Select(static one => one.caption)]))],
        Random = RandomKey.OfRun(Seed).For("step", Index),
    };

    /// <summary>Takes all objectives of a step, with backward.</summary>
    public IReadOnlyList<Objective> Descend(IAlgorithm algorithm, bool backward = true)
    {
        using var step = Step();
        List<Objective> objectives = [];
        foreach (var objective in algorithm.Step(step))
        {
            if (backward) (objective.Loss * objective.Share).backward();
            objectives.Add(objective);
        }
        return objectives;
    }

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        Assert.Equal(batch.Prompts.Count, latents.shape[0]);
        Assert.True(sigmas.Count == 1 || sigmas.Count == batch.Prompts.Count);
        Calls.Add(new(_used, is_grad_enabled(), guided, [.. batch.Prompts.Select(static prompt => prompt.Text)], [.. sigmas], latents.detach().contiguous().data<double>().ToArray()));
        var levels = tensor([.. sigmas], dtype: float64).unsqueeze(1);
        return Flow(latents, levels, new Asked(_used, guided));
    }

    public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

    public Tensor MeanVelocity(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided)
    {
        Assert.Equal(batch.Prompts.Count, latents.shape[0]);
        Assert.True(times.Count == 1 || times.Count == batch.Prompts.Count);
        Calls.Add(new(_used, is_grad_enabled(), guided, [.. batch.Prompts.Select(static prompt => prompt.Text)], [.. times.Select(static time => time.From)], latents.detach().contiguous().data<double>().ToArray())
        {
            Ends = [.. times.Select(static time => time.To)],
            Samples = [.. batch.Samples],
        });
        Tensor Column(Func<(double From, double To), double> of) => tensor([.. times.Select(of)], dtype: float64).unsqueeze(1);
        return Map!(latents, Column(static time => time.From), Column(static time => time.To), new Asked(_used, guided));
    }

    public Tensor Taught(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas)
    {
        Calls.Add(new("model", is_grad_enabled(), true, [.. batch.Prompts.Select(static prompt => prompt.Text)], [.. sigmas], latents.detach().contiguous().data<double>().ToArray()));
        return Teacher!(latents, tensor([.. sigmas], dtype: float64).unsqueeze(1));
    }

    /// <summary>x_0 of a sample of the step.</summary>
    public double[] Picture(long sample) => [.. Enumerable.Range(0, Dimensions).Select(d => Math.Sin(1 + sample + (3 * d)))];

    public Tensor Pictures(MicroBatch batch, int number) => tensor([.. batch.Samples.SelectMany(Picture)], dtype: float64).reshape(batch.Samples.Count, Dimensions);

    public Tensor? Sampled(MicroBatch batch) => null;

    public IDisposable Use(string policy)
    {
        Assert.Equal(PolicyCopy.Reference, policy);
        var before = _used;
        _used = policy;
        return new Restoring(() => _used = before);
    }

    private MicroBatch Batch(int index, long[] samples, string[] captions) => new(this)
    {
        Index = index,
        Samples = samples,
        Prompts = [.. captions.Select(static (caption, id) => new Prompt(id, caption))],
        Noise = RandomKey.NormalOfEach(samples.Select(sample => RandomKey.OfRun(Seed).For("step", Index).For("sample", sample).For("noise")), [Dimensions], CPU).to(float64),
        Schedule = Schedule,
        Sampler = new Watched(this, index),
        Random = RandomKey.OfRun(Seed).For("micro-batch", index),
        StepKey = RandomKey.OfRun(Seed).For("step", Index),
    };

    public sealed record Asked(string Policy, bool Guided);

    public sealed record Call(string Policy, bool Gradient, bool Guided, string[] Captions, double[] Sigmas, double[] Latents)
    {
        /// <summary>Where jumps end; empty for a velocity.</summary>
        public double[] Ends { get; init; } = [];

        public long[] Samples { get; init; } = [];
    }

    private sealed class Watched(FlowNetwork network, int index) : Contracts.Samplers.ISampler
    {
        private readonly FlowEulerSampler _euler = new(new FlowEulerSettings());

        public Schedule CreateSchedule(Contracts.Models.FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public Tensor Roll(Tensor latents, Contracts.Samplers.SamplingPath path)
        {
            var end = _euler.Roll(latents, path);
            network.Kept[index] = end.detach().contiguous().data<double>().ToArray();
            return end;
        }
    }

    private sealed class Restoring(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}

/// <summary>Algorithms whose pairs lie in a folder of the test.</summary>
internal sealed class Pairing : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-pairs-");

    public static SampleOrigin Origin { get; } = new("model", "0123456789abcdef", "flow-euler {}", 4.5, [2]);

    public string Folder => _folder.FullName;

    /// <summary>The files of blocks, wherever the store is.</summary>
    public string[] Blocks => Directory.GetFiles(Folder, "*.safetensors", SearchOption.AllDirectories);

    /// <summary>Where the store of the only run is.</summary>
    public string Store => Path.GetDirectoryName(Assert.Single(Directory.GetFiles(Folder, PairStore.FileName, SearchOption.AllDirectories)))!;

    public static PartDefinition Part(string id) => new FewStepsPlugin().Parts.Single(part => part.Id == id);

    /// <summary>An algorithm that was checked for a run.</summary>
    public IAlgorithm Checked(string id, string json = "{}", SampleOrigin? origin = null)
    {
        var algorithm = Made(id, json);
        Assert.True(algorithm.Check(Shape(origin)).Match(static _ => true, static fault => throw new InvalidOperationException(fault.ToString())));
        return algorithm;
    }

    /// <summary>What a run is refused with.</summary>
    public Fault Refusal(string id, string json = "{}", SampleOrigin? origin = null, string? runFolder = null) =>
        Made(id, json, runFolder).Check(Shape(origin)).Match(static _ => throw new InvalidOperationException("it was not refused"), static fault => fault);

    public IAlgorithm Made(string id, string json, string? runFolder = null, CancellationToken stop = default)
    {
        var part = Part(id);
        using var given = JsonDocument.Parse(json);
        var settings = (PairSettings)part.ReadSettings(json);
        settings = settings with
        {
            Store = given.RootElement.TryGetProperty("store", out _) ? settings.Store : ".",
            Precision = given.RootElement.TryGetProperty("precision", out _) ? settings.Precision : PairPrecision.Float32,
        };
        if (settings is MatchingSettings matching && !given.RootElement.TryGetProperty("straightnessEvery", out _)) settings = matching with { StraightnessEvery = 0 };
        return (IAlgorithm)Testing.Recording.Require(part.Create(settings, new PartContext
        {
            Name = id,
            BaseFolder = Folder,
            RunFolder = runFolder,
            Device = CPU,
            ComputeType = float32,
            Logger = NullLogger.Instance,
            Warn = static _ => { },
            Stop = stop,
        }));
    }

    public static RunShape Shape(SampleOrigin? origin) => new(new Schedule([1, 0.5, 0]), 4) { Origin = () => origin ?? Origin };

    public void Dispose() => _folder.Delete(recursive: true);
}
