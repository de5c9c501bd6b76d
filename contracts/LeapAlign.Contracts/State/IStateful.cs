using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.State;

/// <summary>
/// A part that keeps something between steps. All of it goes through here into the checkpoints of a run: what is not saved does not survive, and a resumed
/// run would differ from one that was never interrupted. Random draws need no state (<see cref="Randomness.RandomKey"/>).
/// </summary>
public interface IStateful
{
    /// <summary>The version of what <see cref="Save"/> writes: raised when it changes, and <see cref="Load"/> goes on reading the older ones.</summary>
    int StateVersion { get; }

    /// <summary>What is kept, as it is between two steps. The tensors stay the part's own: the host copies them before the next step begins.</summary>
    PartState Save();

    /// <summary>Takes a saved state over, once, before the first step.</summary>
    /// <param name="state">Of a version that is no higher than <see cref="StateVersion"/>; the host refuses others. Its tensors are disposed by the host afterwards.</param>
    /// <returns>A fault when the state is not of this part, as it is configured now.</returns>
    Result<Unit> Load(PartState state);
}
