using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>The loss of all methods here, <c>mean(κ max(0, λ − R(x̂_0)))</c>; they differ in how x̂_0 depends on the weights.</summary>
internal static class RewardObjective
{
    /// <summary>Scores predicted samples.</summary>
    /// <param name="batch">Decoder and rewards.</param>
    /// <param name="predicted">x̂_0, one or several whole batches one after another.</param>
    /// <param name="settings">λ and κ.</param>
    /// <param name="measured">What the method measured besides the reward.</param>
    public static Objective Of(MicroBatch batch, Tensor predicted, RewardLossSettings settings, params IReadOnlyList<Measurement> measured)
    {
        var rewards = batch.Score(predicted).Total;
        return new Objective(RewardLoss.Hinge(rewards, settings).mean(), [new Measurement("reward", rewards.detach()), .. measured]);
    }

    /// <summary>A step or a count as a measurement.</summary>
    public static Measurement Number(string name, int value) => Measurement.Choice(name, tensor((long)value));
}
