using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using LeapAlign.Methods.Times;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection;

/// <summary>What the model says of selections, without gradient: draws of a sample are the same under each of them, so that a difference is one of the selections.</summary>
/// <param name="settings">Evidence, training times, and scales.</param>
internal sealed class EvidenceDraws(DroEmSettings settings)
{
    private readonly TrainingTimes _times = new(settings.Sampling());

    /// <summary>Says whether there are training times.</summary>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return _times.Check("dro-em", shape.Schedule.Steps);
    }

    /// <summary>x_σ of samples at one of their training times.</summary>
    /// <param name="batch">The samples, under whatever captions.</param>
    /// <param name="clean">x_0, [B, C, h, w].</param>
    /// <param name="time">From 0.</param>
    public NoisedSamples Noised(MicroBatch batch, Tensor clean, int time)
    {
        var sigmas = _times.DrawEach([.. batch.Samples.Select(sample => batch.StepKey.For("sample", sample).For("algorithm").For("training-times"))], batch.Schedule)[time];
        return new NoisedSamples(clean, batch.Normal("training-noise", time).to(clean.dtype), sigmas);
    }

    /// <summary><c>−(W/2) mean_q e(y; c_z)</c> of the picture that comes with each prompt.</summary>
    /// <param name="step">Keeps the latents.</param>
    /// <param name="batch">The samples under their own captions.</param>
    /// <param name="under">The samples under each selection.</param>
    /// <returns>x_0, then the logarithms selection by selection and sample by sample.</returns>
    public (IReadOnlyList<Tensor> Clean, double[][] Logarithms, Tensor? Rewards) OfPictures(AlignmentStep step, MicroBatch batch, IReadOnlyList<MicroBatch> under)
    {
        var clean = step.Keep(batch.Pictures(0).clone());
        return ([clean], [.. under.Select(each => Errors(each, clean).Select(error => error * (-settings.LikelihoodScale / 2)).ToArray())], null);
    }

    /// <summary><c>R / τ</c> of a picture that is drawn under each selection, from the sample's noise.</summary>
    /// <param name="step">Keeps the latents.</param>
    /// <param name="batch">The samples under their own captions, for which pictures are scored.</param>
    /// <param name="under">The samples under each selection.</param>
    /// <returns>x_0 of each selection, the logarithms selection by selection and sample by sample, and the rewards.</returns>
    public (IReadOnlyList<Tensor> Clean, double[][] Logarithms, Tensor? Rewards) Online(AlignmentStep step, MicroBatch batch, IReadOnlyList<MicroBatch> under)
    {
        List<Tensor> clean = [], rewards = [];
        foreach (var each in under)
        {
            clean.Add(step.Keep(batch.Sampler.Roll(batch.Noise, settings.RolloutGuided ? each.Path : each.ConditionalPath)));
            rewards.Add(batch.Score(clean[^1]).Total.detach().to(ScalarType.Float64));
        }
        return (clean, [.. rewards.Select(reward => Numbers(reward).Select(score => score / settings.Temperature).ToArray())], stack(rewards));
    }

    private double[] Errors(MicroBatch batch, Tensor clean)
    {
        using var scope = NewDisposeScope();
        List<Tensor> errors = [];
        for (var time = 0; time < settings.Timesteps; time++)
        {
            var noised = Noised(batch, clean, time);
            errors.Add(SampleErrors.Square(PolicyVelocity.Of(noised, batch, guided: false), noised.Target));
        }
        return Numbers(stack(errors).mean([0L]));
    }

    private static double[] Numbers(Tensor values)
    {
        using var numbers = values.to(ScalarType.Float64).cpu().contiguous();
        return numbers.data<double>().ToArray();
    }
}
