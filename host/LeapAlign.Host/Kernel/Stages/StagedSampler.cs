using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Stages;

/// <summary>A sampler whose rollouts are a stage. It passes everything on.</summary>
internal class StagedSampler : ISampler
{
    private readonly ISampler _sampler;
    private readonly OpenStages _stages;

    private StagedSampler(ISampler sampler, OpenStages stages) => (_sampler, _stages) = (sampler, stages);

    /// <summary>The sampler, stochastic and speculative where it is.</summary>
    public static ISampler Of(ISampler sampler, OpenStages stages) => sampler switch
    {
        ISpeculativeSampler speculative => new Speculative(speculative, stages),
        IStochasticSampler stochastic => new Stochastic(stochastic, stages),
        _ => new StagedSampler(sampler, stages),
    };

    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => _sampler.CreateSchedule(scheduling, steps);

    public Tensor Roll(Tensor latents, SamplingPath path) => _stages.Run("roll", () => _sampler.Roll(latents, path));

    private class Stochastic(IStochasticSampler sampler, OpenStages stages) : StagedSampler(sampler, stages), IStochasticSampler
    {
        public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => sampler.Transition(latents, velocity, schedule, step);
    }

    private sealed class Speculative(ISpeculativeSampler sampler, OpenStages stages) : Stochastic(sampler, stages), ISpeculativeSampler
    {
        public bool DraftsForTeacher => sampler.DraftsForTeacher;
    }
}

/// <summary>Calls of a model as stages.</summary>
internal static class StagedModel
{
    /// <summary>Evaluates the velocity as the stage <c>velocity</c>. Matrix products of what has another shape than expected end the process in libtorch, so that it is looked at here.</summary>
    /// <exception cref="FaultException">It has not the shape of the latents.</exception>
    public static Tensor Velocity(this OpenStages stages, IModel model, NetworkCall call, (Tensor Latents, IReadOnlyList<double> Sigmas, Conditioning Conditioning) at) => stages.Run(Stage.Velocity(call), _ =>
    {
        return Shaped(model.Velocity(at.Latents, at.Sigmas, at.Conditioning), at.Latents);
    });

    /// <summary>Evaluates the mean velocity of jumps as the stage <c>velocity</c>.</summary>
    /// <exception cref="FaultException">It has not the shape of the latents.</exception>
    /// <exception cref="NotSupportedException">The model is no flow map.</exception>
    public static Tensor MeanVelocity(this OpenStages stages, IModel model, NetworkCall call, (Tensor Latents, IReadOnlyList<(double From, double To)> Times, Conditioning Conditioning) at) => stages.Run(Stage.Velocity(call), _ =>
    {
        if (model is not IFlowMapModel { IsFlowMap: true } map) throw new NotSupportedException("the model is no flow map: the part that asks for its jumps does not require the capability 'flow-map'");
        return Shaped(map.MeanVelocity(at.Latents, [.. at.Times.Select(static time => time.From)], [.. at.Times.Select(static time => time.To)], at.Conditioning), at.Latents);
    });

    private static Tensor Shaped(Tensor? velocity, Tensor latents)
    {
        if (velocity?.shape.SequenceEqual(latents.shape) == true) return velocity;
        var found = velocity is null ? "null" : $"a velocity of [{string.Join(", ", velocity.shape)}]";
        throw new FaultException(new Fault.Run(FaultCodes.StepThrew, $"the model gave {found} for latents of [{string.Join(", ", latents.shape)}]; it has to have their shape"));
    }

    /// <summary>Encodes captions as the stage <c>encode</c>.</summary>
    public static Conditioning Encode(this OpenStages stages, IModel model, ConditioningRequest request) => stages.Run(new Stage("encode"), stage =>
    {
        var conditioning = model.Encode(request);
        stage.Note(Tags.Batch, conditioning.BatchSize);
        stage.Note(Tags.Tokens, conditioning.Tokens);
        return conditioning;
    });
}
