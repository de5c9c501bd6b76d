using LeapAlign.Contracts.Models;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Checkpoints;

/// <summary>A checkpoint as a model.</summary>
internal static class CheckpointExport
{
    /// <summary>Writes the averaged weights as a complete model folder.</summary>
    /// <param name="checkpoint">Whose weights.</param>
    /// <param name="model">The model that they belong to.</param>
    /// <param name="folder">Written whole or not at all; one that is there is replaced.</param>
    /// <param name="type">The precision, or null for that of the source.</param>
    /// <returns><see cref="FaultCodes.StateMismatch"/> when they are those of another model.</returns>
    public static Result<Unit> Write(Checkpoint checkpoint, IModel model, string folder, ScalarType? type) => checkpoint.With("average", state =>
    {
        var saved = state.Tensors.ToDictionary(static tensor => tensor.Name, static tensor => tensor.Value, StringComparer.Ordinal);
        var absent = model.Parameters.FirstOrDefault(parameter => !saved.TryGetValue(parameter.Name, out var value) || !value.shape.SequenceEqual(parameter.Value.shape));
        return absent is null
            ? ModelExport.Write(model, folder, [.. model.Parameters.Select(parameter => saved[parameter.Name])], type)
            : new Fault.Run(FaultCodes.StateMismatch, $"the checkpoint has no weight '{absent.Name}' of the model's shape", new SourcePlace(checkpoint.Path));
    });
}
