using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Checkpoints;

/// <summary>A checkpoint as a model.</summary>
internal static class CheckpointExport
{
    /// <summary>Writes the averaged weights.</summary>
    /// <param name="checkpoint">Whose weights.</param>
    /// <param name="model">The model that they belong to.</param>
    /// <param name="write">Writes one tensor for each trained parameter, in order.</param>
    /// <returns><see cref="FaultCodes.StateMismatch"/> when they are those of another model.</returns>
    public static Result<Unit> Write(Checkpoint checkpoint, TrainedModel model, Func<Policy, Result<Unit>> write) => checkpoint.With("average", state =>
    {
        var parameters = model.Trained.Parameters;
        var saved = state.Tensors.ToDictionary(static tensor => tensor.Name, static tensor => tensor.Value, StringComparer.Ordinal);
        var absent = parameters.FirstOrDefault(parameter => !saved.TryGetValue(parameter.Name, out var value) || !value.shape.SequenceEqual(parameter.Value.shape));
        if (absent is null)
        {
            using var policy = new Policy("checkpoint", [.. parameters.Select(parameter => saved[parameter.Name])]);
            return write(policy);
        }
        return new Fault.Run(FaultCodes.StateMismatch, $"the checkpoint has no weight '{absent.Name}' of the model's shape", new SourcePlace(checkpoint.Path));
    });
}
