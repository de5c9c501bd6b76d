using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>evaluation</c> of plugins.json, apart from its prompts.</summary>
internal sealed record EvaluationSettings
{
    [Description("Steps between evaluations; there is always one before the first step and one after the last. 0 leaves only these two, -1 turns evaluation off.")]
    [Range(-1, 10_000_000)]
    public int Every { get; init; } = 50;

    [Description("Captions evaluated at a time.")]
    [Range(1, 65_536)]
    public int Batch { get; init; } = 32;

    [Description("The seed of the evaluation noise: the same in every run, whatever the seed of the run, so that runs can be compared.")]
    [Range(0, long.MaxValue)]
    public long Seed { get; init; } = 42;

    [Description("Pictures for each caption, each from its own noise.")]
    [Range(1, 1024)]
    public int ImagesPerPrompt { get; init; } = 1;

    [Description("The size of the pictures of evaluations, width x height in pixels, such as 512x512; null takes run.size.")]
    [RegularExpression(ImageSize.Pattern, ErrorMessage = ImageSize.Form)]
    public string? Size { get; init; }

    [Description("Sampling steps; null takes those of the sampler.")]
    [Range(1, 1000)]
    public int? Steps { get; init; }

    [Description("How strongly captions steer the pictures of evaluations; null takes guidance.scale.")]
    [Range(1, 100)]
    public double? Guidance { get; init; }

    [Description("Whether a stochastic sampler adds its noise in evaluation. By default every sampler follows the flow's ODE there.")]
    public bool Stochastic { get; init; }

    [Description("Captions shown in samples/step-####.png; the same captions and noise each time.")]
    [Range(0, 256)]
    public int Samples { get; init; } = 16;

    [Description("Pictures that evaluations draw beside their own, of the same captions from the same noise, as the model will be used: at another size, with other steps or guidance. Each has rewards and samples under its name.")]
    public IReadOnlyList<PreviewSettings> Previews { get; init; } = [];
}
