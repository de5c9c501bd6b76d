using LeapAlign.Networks.Formats;

namespace LeapAlign.Pipelines;

/// <summary>Every file of other libraries that is read with a table of its fields: those of pipelines, then those of networks and tokenizers.</summary>
public static class PipelineFormats
{
    /// <summary>All of them, in the order of documentation.</summary>
    public static IReadOnlyList<FileFormat> All { get; } = [.. PipelineFamilies.All.Select(static family => family.Format), SchedulerConfig.Format, .. FileFormats.All];
}
