using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Contracts.Rewards;

/// <summary>
/// A reward that learns from what it scored in training. What it has learnt changes its gradients alone, never its scores: metrics, guards and evaluations go on comparing one number. It keeps what it learnt with the run's state
/// (<see cref="State.IStateful"/>). A run of several processes is refused, since each of them would learn from its own samples.
/// </summary>
public interface ILearningReward
{
    /// <summary>Is called once behind each step of training, whose samples it has scored by then.</summary>
    /// <param name="step">The step of the run, from 0.</param>
    /// <param name="random">The key of its draws.</param>
    /// <returns>What it measured, by name: metrics have them under the reward's.</returns>
    IReadOnlyDictionary<string, double> Learn(int step, RandomKey random);
}
