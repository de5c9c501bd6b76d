using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>An entry of <c>evaluation.previews</c>: what an evaluation draws beside its own pictures.</summary>
internal sealed record PreviewSettings
{
    [Description("The name in tables, metrics and folders, unique in the list.")]
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    public required string Name { get; init; }

    [Description("The size of the pictures, width x height in pixels, such as 1024x1024; null takes that of evaluations.")]
    [RegularExpression(ImageSize.Pattern, ErrorMessage = ImageSize.Form)]
    public string? Size { get; init; }

    [Description("Sampling steps; null takes those of evaluations.")]
    [Range(1, 1000)]
    public int? Steps { get; init; }

    [Description("How strongly captions steer; null takes that of evaluations.")]
    [Range(1, 100)]
    public double? Guidance { get; init; }

    [Description("Steps between two of them, a multiple of evaluation.every, beside the first and the last evaluation; null draws with every evaluation, 0 with the first and the last alone.")]
    [Range(0, 10_000_000)]
    public int? Every { get; init; }

    [Description("Captions at a time; null takes evaluation.batch. Larger pictures take more memory.")]
    [Range(1, 65_536)]
    public int? Batch { get; init; }
}
