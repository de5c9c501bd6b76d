using System.Runtime.CompilerServices;
using Polly;

namespace LeapAlign.Services;

/// <summary>
/// Builders of Polly that leave out the check of their options. Polly checks with <c>DataAnnotations.Validator</c>, which keeps every type it has seen for
/// the life of the process, and with these types the load context of the plugin. What is checked here are the settings, which the host has checked
/// already, by their schema. Polly has a property for another check but no public setter (docs/decisions/0012).
/// </summary>
internal static class UncheckedPipeline
{
    private static readonly Action<object> s_none = static _ => { };

    /// <summary>An empty builder.</summary>
    public static ResiliencePipelineBuilder<TResult> Builder<TResult>()
    {
        var builder = new ResiliencePipelineBuilder<TResult>();
        SetValidator(builder, s_none);
        return builder;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Validator")]
    private static extern void SetValidator(
        ResiliencePipelineBuilderBase builder,
        [UnsafeAccessorType("System.Action`1[[Polly.ResilienceValidationContext, Polly.Core]]")] object validator);
}
