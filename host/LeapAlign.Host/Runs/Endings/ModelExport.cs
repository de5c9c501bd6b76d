using LeapAlign.Contracts.Models;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>The export of a model, which may throw anything: whatever it is becomes a fault.</summary>
internal static class ModelExport
{
    /// <summary>Checks what an export needs.</summary>
    /// <returns>The bytes it takes; null when only an export can tell.</returns>
    public static Result<long?> Check(IModel model, ScalarType? type) => Guarded("check of its export", () => model.CheckExport(type));

    /// <summary>Exports weights as a complete model folder.</summary>
    public static Result<Unit> Write(IModel model, string folder, IReadOnlyList<Tensor> weights, ScalarType? type) => Guarded("export", () => model.Export(folder, weights, type));

    private static Result<T> Guarded<T>(string what, Func<Result<T>> action)
    {
        try
        {
            return action();
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
#pragma warning disable CA1031 // A model of others may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception.ToFault((type, message) => new Fault.Run(FaultCodes.ExportThrew, $"the model's {what} threw {type}: {message}"));
        }
    }
}
