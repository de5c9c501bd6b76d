using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Quantization;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Pipelines;

/// <summary>How the linear layers of a frozen transformer's blocks are stored in fewer bits.</summary>
/// <param name="Form">The form.</param>
/// <param name="Cache">Where they are kept.</param>
public sealed record FewerBits(Quantization Form, QuantizationCache Cache)
{
    private static readonly Action<ILogger, string, Exception?> s_said = LoggerMessage.Define<string>(LogLevel.Information, new EventId(1), "{Text}");

    /// <summary>What settings say.</summary>
    /// <param name="quantization">The name of a form, or <c>none</c>.</param>
    /// <param name="folder">Where they are kept, relative to plugins.json; null for the user's folder of what can be made again.</param>
    /// <param name="context">That of the model.</param>
    /// <returns>Null for <c>none</c>.</returns>
    public static FewerBits? Of(string quantization, string? folder, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Quantization.Of(quantization) is { } form
            ? new FewerBits(form, new QuantizationCache(folder is null ? QuantizationCache.DefaultFolder : context.Resolve(folder), text => s_said(context.Logger, text, null), stop: context.Stop))
            : null;
    }
}
