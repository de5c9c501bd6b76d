using LeapAlign.Contracts.State;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Host.Kernel.State;

/// <summary>Whether the states of parts can be saved, as a checkpoint will.</summary>
internal static class StateRehearsal
{
    /// <summary>Asks every part for its state.</summary>
    /// <param name="states">The parts by name.</param>
    /// <returns><see cref="FaultCodes.StateMismatch"/>, naming the first that cannot give it.</returns>
    public static Result<Unit> Of(IEnumerable<(string Name, IStateful State)> states) => states.Select(static state => Saves(state.Name, state.State)).All().Map(static _ => Unit.Value);

    private static Result<Unit> Saves(string name, IStateful part)
    {
        try
        {
            SafetensorsWriter.Bytes([.. part.Save().Tensors.Select(static tensor => new TensorToWrite(tensor.Name, tensor.Value, tensor.Value.dtype))]);
            return Unit.Value;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
#pragma warning disable CA1031 // A part may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception.ToFault((type, message) => new Fault.Run(FaultCodes.StateMismatch, $"the state of '{name}' cannot be saved in a checkpoint: {type}: {message}"));
        }
    }
}
