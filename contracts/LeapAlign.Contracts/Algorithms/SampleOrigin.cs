namespace LeapAlign.Contracts.Algorithms;

/// <summary>
/// What decides the samples that a run draws before its first update, apart from captions and noise. Samples that were kept are good for another run where all of it but
/// <see cref="Model"/> is the same.
/// </summary>
/// <param name="Model">What the model is called, for people: a folder may be renamed.</param>
/// <param name="Weights">A digest of what the first policy computes with: the files and the settings of the model, and of an adapter that continues from a file.</param>
/// <param name="Sampler">The sampler and its settings, as JSON.</param>
/// <param name="Guidance">The scale of guidance.</param>
/// <param name="Latents">The shape of the latents of one sample, [C, h, w].</param>
public sealed record SampleOrigin(string Model, string Weights, string Sampler, double Guidance, IReadOnlyList<long> Latents);
