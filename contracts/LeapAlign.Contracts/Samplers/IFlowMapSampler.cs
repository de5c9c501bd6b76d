namespace LeapAlign.Contracts.Samplers;

/// <summary>
/// A sampler that jumps along its grid by the mean velocity of a flow map (<see cref="SamplingPath.Map"/>) and calls no velocity. Algorithms that decorate the velocity of a path cannot work with it: they require
/// <see cref="Plugins.Capabilities.VelocityPath"/>, which all other samplers provide.
/// </summary>
public interface IFlowMapSampler : ISampler;
