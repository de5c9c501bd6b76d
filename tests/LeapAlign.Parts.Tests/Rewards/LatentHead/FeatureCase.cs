using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.LatentHead.Tests;

/// <summary>A model with features that a test can compute by hand: each latent pixel is a token, projected by a fixed matrix; a caption is its length, several times.</summary>
internal sealed class FeatureCase(int width = 6, string content = "0123456789abcdef") : IFeatureModel
{
    public const int Captioned = 3;

    public int Blocks => 4;

    public int FeatureWidth => width;

    public int CaptionWidth => Captioned;

    public ParameterSet Parameters => ParameterSet.Empty;

    public FlowScheduling Scheduling { get; } = new();

    public ImageSize NativeSize => new(4, 4);

    public GuidanceForm GuidanceForm => GuidanceForm.Branches;

    public static PartContext Context { get; } = new()
    {
        Name = "latent",
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    };

    public static Tensor Latents(int samples, long seed = 1) => RandomKey.OfRun(seed).Normal([samples, 2, 2, 2], CPU);

    public static LatentSamples Samples(Tensor latents, params double[] sigmas) =>
        new(latents, sigmas, [.. Enumerable.Range(0, (int)latents.shape[0]).Select(static id => new Prompt(id, new string('x', id % 3)))], () => new Lengths((int)latents.shape[0]));

    public Tensor Captions(Conditioning conditioning) => throw new NotSupportedException();

    public Result<string> FeatureContent() => content;

    public IFeatures OpenFeatures(int blocks) => new Projected(width, blocks);

    public Result<LatentSpace> Latents(ImageSize size) => new LatentSpace([2, 2, 2], 4);

    public Conditioning Encode(ConditioningRequest request) => throw new NotSupportedException();

    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) => throw new NotSupportedException();

    public Tensor Decode(Tensor latents) => throw new NotSupportedException();

    public Tensor Encode(Tensor images) => throw new NotSupportedException();

    public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();

    public void Refresh()
    {
    }

    public IDisposable Use(Policy policy) => throw new NotSupportedException();

    private sealed class Projected(int width, int blocks) : IFeatures
    {
        public Tensor Tokens(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) =>
            latents.flatten(2).transpose(1, 2).matmul(RandomKey.OfRun(blocks).Normal([2, width], CPU).to(latents.dtype)).sin() + sigmas[0];

        public Tensor Captions(Conditioning conditioning) => arange(conditioning.BatchSize, dtype: ScalarType.Float32).unsqueeze(1) * tensor([1.0f, -0.5f, 0.25f]);

        public void Dispose()
        {
        }
    }

    private sealed class Lengths(int count) : Conditioning
    {
        public override int BatchSize => count;

        public override int EvaluationsPerVelocity => 1;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
