using LeapAlign.Host.Telemetry.Schema;
using OpenTelemetry.Trace;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>Keeps the spans of every n-th step, the first among them, and everything outside steps.</summary>
/// <param name="every">n.</param>
internal sealed class StepSampler(int every) : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        if (samplingParameters.ParentContext.TraceId != default && (samplingParameters.ParentContext.TraceFlags & System.Diagnostics.ActivityTraceFlags.Recorded) == 0)
            return new(SamplingDecision.Drop);
        if (samplingParameters.Name != SpanSchema.Step.Name || samplingParameters.Tags is not { } tags) return new(SamplingDecision.RecordAndSample);
        var step = tags.FirstOrDefault(static tag => tag.Key == Tags.Step.Name).Value is int number ? number : 1;
        return new((step - 1) % every == 0 ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }
}
