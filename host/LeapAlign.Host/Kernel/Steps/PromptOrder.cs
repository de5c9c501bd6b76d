using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Which prompts a micro-batch holds: every epoch is a fresh permutation, a pure function of the seed, so that any step finds its prompts without those
/// before it having run.
/// </summary>
internal sealed class PromptOrder(IReadOnlyList<Prompt> prompts, int group, RandomKey key)
{
    private long _epoch = -1;
    private Prompt[] _order = [];

    /// <summary>The prompts of the samples numbered <c>first … first + count − 1</c> since the run began; each prompt comes for a whole group of samples.</summary>
    public IReadOnlyList<Prompt> Take(long first, int count)
    {
        var taken = new Prompt[count];
        for (var i = 0; i < count; i++) taken[i] = At((first + i) / group);
        return taken;
    }

    private Prompt At(long number)
    {
        var epoch = number / prompts.Count;
        if (epoch != _epoch)
        {
            _order = key.For("epoch", epoch).Open().Shuffle(prompts);
            _epoch = epoch;
        }
        return _order[number % prompts.Count];
    }
}
