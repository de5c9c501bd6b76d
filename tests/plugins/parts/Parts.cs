using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace TestPlugins.Parts;

public sealed class Canvas(CanvasSettings settings) : IModel
{
    public ParameterSet Parameters => ParameterSet.Empty;

    public FlowScheduling Scheduling => throw new NotSupportedException();

    public ImageSize NativeSize => new(settings.Size, settings.Size);

    public GuidanceForm GuidanceForm => GuidanceForm.Branches;

    public Result<LatentSpace> Latents(ImageSize size) => throw new NotSupportedException();

    public Conditioning Encode(ConditioningRequest request) => throw new NotSupportedException();

    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) => throw new NotSupportedException();

    public Tensor Encode(Tensor images) => throw new NotSupportedException();

    public Tensor Decode(Tensor latents) => throw new NotSupportedException();

    public void Refresh() => throw new NotSupportedException();

    public IDisposable Use(Policy policy) => throw new NotSupportedException();

    public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();
}

public sealed class Lines : IPromptSource
{
    public Result<IReadOnlyList<Prompt>> Read() => Result.Ok<IReadOnlyList<Prompt>>([new(0, "a caption")]);
}

public sealed class Euler : ISampler
{
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

    public Tensor Roll(Tensor latents, SamplingPath path) => throw new NotSupportedException();
}

public sealed class Idle : IAlgorithm
{
    public IEnumerable<Objective> Step(AlignmentStep step) => [];
}

public sealed class Flat : IReward
{
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.mean([1, 2, 3]);
}

public sealed class Smooth : IDifferentiableReward
{
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.mean([1, 2, 3]);
}

public sealed class Deep : IDifferentiableLatentReward
{
    public Tensor Score(LatentSamples samples) => samples.Latents.flatten(1).mean([1]);
}

public sealed class Best : IGroupReward
{
    public Tensor Score(Tensor images, Prompt prompt) => images.mean([1, 2, 3]);
}

public sealed class Duel : IPairwiseReward
{
    public Tensor Prefer(Tensor first, Tensor second, IReadOnlyList<Prompt> prompts) => (first - second).mean([1, 2, 3]).sigmoid();
}

public sealed class Descent : IOptimizer
{
    public IOptimization Begin(ParameterSet parameters, double? rate = null) => throw new NotSupportedException();
}
