using System.Text.Json.Serialization.Metadata;
using LeapAlign.Host.Composition;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>A section of plugins.json that is the host's own.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Meaning">One sentence for schemas and help.</param>
/// <param name="Type">What it holds, apart from parts.</param>
/// <param name="Of">Its settings in a plan.</param>
internal sealed record HostSection(string Name, string Meaning, JsonTypeInfo Type, Func<RunPlan, object> Of)
{
    /// <summary>The run itself.</summary>
    public static HostSection Run { get; } = new("run", "The run itself.", HostJson.Run, static plan => plan.Run);

    /// <summary>Those behind the parts.</summary>
    public static IReadOnlyList<HostSection> Further { get; } =
    [
        new("guidance", "Classifier-free guidance.", HostJson.Guidance, static plan => new GuidanceSettings { Scale = plan.Guidance.Scale, DetachNegative = plan.Guidance.DetachNegative }),
        new("evaluation", "How often and on which captions the rewards are measured.", HostJson.Evaluation, static plan => plan.Evaluation),
        new("checkpoint", "What a run keeps so that it can be resumed to the same bits.", HostJson.Checkpoint, static plan => plan.Checkpoint),
        new("guard", "What catches numbers that go bad, and parts that hang.", HostJson.Guard, static plan => plan.Guard),
        new("sentinel", "What watches for a reward that is gamed.", HostJson.Sentinel, static plan => plan.Sentinel),
        new("telemetry", "Where spans, metrics and logs go; nowhere by default.", HostJson.Telemetry, static plan => plan.Telemetry),
        new("export", "The model folder that the run writes.", HostJson.Export, static plan => plan.Export),
    ];

    /// <summary>Every section.</summary>
    public static IReadOnlyList<HostSection> All { get; } = [Run, .. Further];
}
