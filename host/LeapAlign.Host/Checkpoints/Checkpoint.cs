using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Host.Checkpoints;

/// <summary>A checkpoint whose every byte was found to be the one that was written.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Manifest">What it says of itself.</param>
internal sealed record Checkpoint(string Path, CheckpointManifest Manifest)
{
    /// <summary>Steps done before it.</summary>
    public int Step => Manifest.Progress.Done;

    /// <summary>Its size in bytes, apart from the manifest.</summary>
    public long Bytes => Manifest.Bytes;

    /// <summary>Gives every state back to its part.</summary>
    /// <param name="states">The parts that keep something, by the names under which it was saved.</param>
    /// <returns><see cref="FaultCodes.StateMismatch"/>, naming the part, when a state is absent, left over, of a newer version or of other tensors.</returns>
    public Result<Unit> Restore(IEnumerable<(string Name, IStateful State)> states)
    {
        var parts = states.ToList();
        if (Manifest.States.Keys.Except(parts.Select(static part => part.Name)).FirstOrDefault() is { } left)
            return Mismatch($"the checkpoint holds the state of '{left}', which this run does not have");
        foreach (var (name, part) in parts)
        {
            if (!Restore(name, part).TryGet(out _, out var fault)) return fault;
        }
        return Unit.Value;
    }

    /// <summary>Reads one state, gives it to an action and disposes its tensors.</summary>
    public Result<T> With<T>(string name, Func<PartState, Result<T>> action)
    {
        if (!Manifest.States.TryGetValue(name, out var saved)) return Mismatch($"the checkpoint holds no state of '{name}'");
        using var scope = NewDisposeScope();
        var tensors = saved.HasTensors ? Read(name) : Result.Ok<IReadOnlyList<NamedTensor>>([]);
        return tensors.Bind(read => action(new PartState(saved.Version, read, saved.Numbers)));
    }

    private Result<Unit> Restore(string name, IStateful part) => With(name, state => state.Version <= part.StateVersion
        ? part.Load(state).Match(Result.Ok, fault => (Result<Unit>)Mismatch($"the state of '{name}' does not fit: {fault.Message}"))
        : Mismatch($"the state of '{name}' has version {state.Version}; this build reads versions up to {part.StateVersion}"));

    private Result<IReadOnlyList<NamedTensor>> Read(string name) => SafetensorsFolder.Open(Path, name).Bind(static folder =>
    {
        using (folder) return folder.Entries.Keys.Select(tensor => folder.Read(tensor).Map(value => new NamedTensor(tensor, value))).All();
    });

    private Fault Mismatch(string message) => new Fault.Run(FaultCodes.StateMismatch, message, new SourcePlace(Path));
}
