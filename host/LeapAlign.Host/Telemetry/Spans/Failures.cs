using System.Diagnostics;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Telemetry.Spans;

/// <summary>How a span tells that it failed.</summary>
internal static class Failures
{
    /// <summary>The code of the fault that an exception carries or becomes.</summary>
    public static string CodeOf(Exception exception) => (exception as FaultException)?.Fault.Code ?? FaultCodes.StepThrew;

    extension(Activity span)
    {
        /// <summary>Marks the span.</summary>
        /// <param name="code"><c>LA####</c>.</param>
        /// <param name="message">What happened.</param>
        public void Fail(string code, string message)
        {
            span.SetStatus(ActivityStatusCode.Error, message);
            span.SetTag(Tags.Error.Name, code);
        }

        /// <summary>Marks the span with a fault, recorded as OpenTelemetry records exceptions: the code is its type.</summary>
        public void Fail(Fault fault)
        {
            span.Fail(fault.Code, fault.Message);
            span.AddEvent(new ActivityEvent("exception", tags: new ActivityTagsCollection { ["exception.type"] = fault.Code, ["exception.message"] = fault.ToString() }));
        }
    }
}
