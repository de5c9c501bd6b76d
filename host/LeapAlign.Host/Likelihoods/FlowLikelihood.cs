using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Likelihoods;

/// <summary>The likelihood of one sample.</summary>
/// <param name="Dimensions">D, the numbers of its latents.</param>
/// <param name="Prior">The log-density of the noise that it comes from, in nats.</param>
/// <param name="NoiseSize">The root of the mean square of that noise: near 1 where the flow takes the sample to what it draws from.</param>
/// <param name="Estimates">By form.</param>
internal sealed record SampleLikelihood(int Dimensions, double Prior, double NoiseSize, IReadOnlyList<LikelihoodEstimate> Estimates);

/// <summary>A sample whose likelihood is asked for.</summary>
/// <param name="Name">What faults call it.</param>
/// <param name="Conditioning">For it alone.</param>
/// <param name="Key">The key of its probes.</param>
internal sealed record SampledFlow(string Name, Conditioning Conditioning, RandomKey Key);

/// <summary>A log-likelihood by one form of divergence.</summary>
/// <param name="Value">In nats.</param>
/// <param name="Error">The standard error that the estimates of the divergence give it.</param>
/// <param name="Variance">The variance of one estimate of the divergence, in the mean over the evaluations.</param>
/// <param name="Products">The backward products of one estimate.</param>
internal sealed record LikelihoodEstimate(double Value, double Error, double Variance, int Products)
{
    /// <summary>Bits for each dimension.</summary>
    public double Bits(int dimensions) => -Value / dimensions / Math.Log(2);
}

/// <summary>
/// The density of a flow's samples: <c>ln p(x_0) = ln N(x_σ; 0, I) + ∫_0^σ div v dσ</c> along the path of its ODE (Chen et al. 2018, arXiv 1806.07366; Grathwohl et al. 2018, arXiv 1810.01367).
/// </summary>
/// <param name="model">Whose velocity it is.</param>
/// <param name="forms">How divergences are estimated.</param>
/// <param name="stages">Hear of it.</param>
internal sealed class FlowLikelihood(IModel model, IReadOnlyList<DivergenceForm> forms, OpenStages stages)
{
    /// <summary>The most dimensions of an exact divergence: each is a backward at each evaluation.</summary>
    public const int MostExact = 16_384;

    /// <summary>The noise levels.</summary>
    public required Schedule Schedule { get; init; }

    /// <summary>The method.</summary>
    public required FlowSolver Solver { get; init; }

    /// <summary>Products of one estimate.</summary>
    public required int Products { get; init; }

    /// <summary>The side of a tile.</summary>
    public required int Tile { get; init; }

    /// <summary>Whether latents of that size can be handled.</summary>
    /// <param name="shape">[C, ...].</param>
    /// <param name="name">Whose they are.</param>
    /// <returns>LA3020 for an exact divergence in too many dimensions.</returns>
    public Result<Unit> Check(IReadOnlyList<long> shape, string name)
    {
        var dimensions = shape.Aggregate(1L, static (product, size) => product * size);
        return forms.Contains(DivergenceForm.Exact) && dimensions > MostExact
            ? new Fault.Composition(
                FaultCodes.DivergenceTooLarge,
                FormattableString.Invariant($"an exact divergence takes a backward for each of the {dimensions} numbers of the latents of {Quoted.Words(name)} at every evaluation, at most {MostExact}; take signs, or smaller pictures"),
                new SourcePlace(LikelihoodVerb.EstimatorOption))
            : Unit.Value;
    }

    /// <summary>The likelihood of a clean sample, by the noise that the ODE takes it to.</summary>
    /// <param name="latents">x_0, [1, C, ...].</param>
    /// <param name="how">Its name, its conditioning, and the key of its probes.</param>
    /// <param name="stop">Ends it between two evaluations with an exception.</param>
    public SampleLikelihood OfSample(Tensor latents, SampledFlow how, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        var end = FlowIntegral.Over(Schedule, Solver, upwards: true, latents, Slope(latents.shape, how, stop));
        return Of(end, end.State);
    }

    /// <summary>The likelihood of the sample that the ODE makes of noise.</summary>
    /// <param name="noise">[1, C, ...].</param>
    /// <param name="how">Its name, its conditioning, and the key of its probes.</param>
    /// <param name="stop">Ends it between two evaluations with an exception.</param>
    public SampleLikelihood OfNoise(Tensor noise, SampledFlow how, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        return Of(FlowIntegral.Over(Schedule, Solver, upwards: false, noise, Slope(noise.shape, how, stop)), noise.to(ScalarType.Float64));
    }

    private Func<Tensor, double, int, FlowSlope> Slope(long[] shape, SampledFlow how, CancellationToken stop)
    {
        DivergenceProbes[] probes = [.. forms.Select(form => Probes(form, shape[1..]))];
        return (state, sigma, evaluation) =>
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var gradients = enable_grad();
            var point = state.to(ScalarType.Float32).detach().requires_grad_();
            var call = new NetworkCall(how.Conditioning.EvaluationsPerVelocity, Gradient: true, 1, sigma);
            var velocity = stages.Velocity(model, call, (point, [sigma], how.Conditioning));
            if (!velocity.detach().isfinite().all().item<bool>())
                throw new FaultException(new Fault.Run(FaultCodes.FlowNotFinite, FormattableString.Invariant($"the velocity at the noise level {sigma:G4} is not finite: the sample has no likelihood"), new SourcePlace(how.Name)));
            var key = how.Key.For("evaluation", evaluation);
            var divergences = stages.Run("divergence", () => probes.Select((probe, form) => Number(Divergence.Of(velocity, point, probe, [key.For(forms[form].ToString())]))).ToList());
            return new FlowSlope(velocity.detach().to(ScalarType.Float64).MoveToOuterDisposeScope(), divergences);
        };
    }

    private DivergenceProbes Probes(DivergenceForm form, long[] shape) => form switch
    {
        DivergenceForm.Signs => DivergenceProbes.Signs(shape, Products),
        DivergenceForm.Coordinates => DivergenceProbes.Coordinates(shape, Products),
        DivergenceForm.Tiles => DivergenceProbes.Tiles(shape, Tile, Products),
        _ => DivergenceProbes.Exact(shape),
    };

    private static (double, double) Number(DivergenceEstimate estimate) => (estimate.Value.item<double>(), estimate.Variance.item<double>());

    private SampleLikelihood Of(FlowEnd end, Tensor noise)
    {
        var dimensions = (int)noise.numel();
        var square = noise.square().sum().item<double>();
        var prior = -0.5 * (square + (dimensions * Math.Log(2 * Math.PI)));
        long[] shape = noise.shape[1..];
        return new SampleLikelihood(
            dimensions,
            prior,
            Math.Sqrt(square / dimensions),
            [.. end.Divergences.Select((sum, form) => new LikelihoodEstimate(prior + sum.Value, Math.Sqrt(sum.Variance), end.Spread[form], Probes(forms[form], shape).Products))]);
    }
}
