using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Rewards that see the pictures of a prompt together, as rewards of a batch: neighbours with the same prompt are a group.</summary>
internal static class GroupScoring
{
    /// <summary>A reward by the contract that it implements.</summary>
    /// <exception cref="ArgumentException">It implements none.</exception>
    public static IReward Of(object reward) => reward switch
    {
        IReward pointwise => pointwise,
        IGroupReward group => new Groupwise(group),
        IPairwiseReward pairwise => new Pairwise(pairwise),
        _ => throw new ArgumentException($"{reward.GetType()} is no reward", nameof(reward)),
    };

    private static IEnumerable<(int First, int Count)> Groups(IReadOnlyList<Prompt> prompts)
    {
        for (int first = 0, next; first < prompts.Count; first = next)
        {
            next = first + 1;
            while (next < prompts.Count && prompts[next].Id == prompts[first].Id) next++;
            yield return (first, next - first);
        }
    }

    private sealed class Groupwise(IGroupReward reward) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) =>
            cat([.. Groups(prompts).Select(group => reward.Score(images.narrow(0, group.First, group.Count), prompts[group.First]))]);
    }

    private sealed class Pairwise(IPairwiseReward reward) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) =>
            cat([.. Groups(prompts).Select(group => Preferences(images.narrow(0, group.First, group.Count), prompts[group.First]))]);

        /// <summary>The mean preference of each picture over the others; ½ for one alone, which nothing says anything about.</summary>
        private Tensor Preferences(Tensor images, Prompt prompt)
        {
            var count = (int)images.shape[0];
            if (count == 1) return full([1], 0.5, dtype: ScalarType.Float32, device: images.device);
            (int First, int Second)[] pairs = [.. from first in Enumerable.Range(0, count) from second in Enumerable.Range(first + 1, count - first - 1) select (first, second)];
            Tensor Side(Func<(int First, int Second), int> side) => images.index_select(0, tensor(pairs.Select(pair => (long)side(pair)).ToArray(), device: images.device));
            var preferred = reward.Prefer(Side(static pair => pair.First), Side(static pair => pair.Second), [.. Enumerable.Repeat(prompt, pairs.Length)]);
            var wins = new Tensor[count];
            for (var picture = 0; picture < count; picture++)
            {
                var own = pairs.Select((pair, index) => pair.First == picture ? preferred[index] : pair.Second == picture ? 1 - preferred[index] : null).OfType<Tensor>();
                wins[picture] = stack(own).mean();
            }
            return stack(wins);
        }
    }
}
