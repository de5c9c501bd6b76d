using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>What a trained step asks of the sampler.</summary>
internal static class StochasticSamplers
{
    /// <summary>The sampler as one with densities.</summary>
    /// <exception cref="FaultException">LA3002: it has none.</exception>
    public static IStochasticSampler Of(string algorithm, ISampler sampler) => sampler as IStochasticSampler
        ?? throw new FaultException(new Fault.Composition(FaultCodes.RequirementNotMet, $"'{algorithm}' needs the densities of a stochastic sampler, which {sampler.GetType().Name} does not have"));

    /// <summary>Why a step cannot be trained; null when it can.</summary>
    public static Fault? Unfit(GrpoMethod method, Transition transition, int index)
    {
        if (!(transition.Deviation > 0))
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'{method.Id}' trains step {index}, which the sampler takes without noise: it has no density to compare; give the sampler a noise level above 0 there, or train other steps");
        if (method.Ratio.UsesMean && !transition.Normalized)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'{method.Id}' needs the log-probabilities of a normal distribution, but those of the sampler are plain squared errors: sample with flow-sde or dance-sde");
        return null;
    }
}
