using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>export</c> of plugins.json.</summary>
internal sealed record ExportSettings
{
    [Description("The precision of the exported weights; source keeps that of the model folder.")]
    [AllowedValues("source", "float32", "bfloat16", "float16")]
    public string Dtype { get; init; } = "source";

    [Description("Whether a run that trains an adapter also exports the model with the adapter merged into its weights; the adapter's files are always exported. Merged weights are rounded to dtype: in float16 or bfloat16 a strong adapter's pictures move by some 1/255.")]
    public bool Merged { get; init; }
}
