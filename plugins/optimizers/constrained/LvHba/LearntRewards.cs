using LeapAlign.Contracts.Solvers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>Which trained rewards judge, and which have weights that are learnt.</summary>
internal sealed class LearntRewards
{
    private LearntRewards(IReadOnlyList<string> names, double[] begin, IReadOnlyDictionary<string, double> judges) => (Names, Begin, Judges) = (names, begin, judges);

    /// <summary>The rewards whose weights are learnt, in the order of x.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Their weights of plugins.json.</summary>
    public double[] Begin { get; }

    /// <summary>The rewards that judge, with their weights.</summary>
    public IReadOnlyDictionary<string, double> Judges { get; }

    /// <summary>The rewards of a run, those that judge apart.</summary>
    /// <param name="optimizer">Who asks.</param>
    /// <param name="rewards">The trained rewards with their weights.</param>
    /// <param name="upper">The names of those that judge.</param>
    public static Result<LearntRewards> Among(string optimizer, IReadOnlyDictionary<string, double> rewards, IReadOnlyList<string> upper)
    {
        if (upper.Count == 0) return Unfit.Of($"'{optimizer}' has no reward that judges: name trained rewards in its setting 'upper'");
        if (upper.FirstOrDefault(name => !rewards.ContainsKey(name)) is { } unknown)
            return Unfit.Untrained($"'{optimizer}' is to be judged by", unknown, rewards.Keys);
        var judges = upper.Distinct(StringComparer.Ordinal).ToDictionary(static name => name, name => rewards[name], StringComparer.Ordinal);
        string[] names = [.. rewards.Keys.Where(name => !judges.ContainsKey(name))];
        if (names.Length == 0) return Unfit.Of($"'{optimizer}' learns the weights of trained rewards, but all of them judge: {string.Join(", ", rewards.Keys)}");
        if (names.FirstOrDefault(name => !(rewards[name] >= 0)) is { } negative)
            return Unfit.Of(FormattableString.Invariant($"'{optimizer}' learns weights of at least 0, but the reward '{negative}' has the weight {rewards[negative]}: turn its sign with \"scale\": -1"));
        if (!(names.Sum(name => rewards[name]) > 0)) return Unfit.Of($"'{optimizer}' keeps the sum of the weights of {string.Join(", ", names)}, which is 0");
        if (judges.Values.All(static weight => weight == 0)) return Unfit.Of($"the rewards that judge for '{optimizer}' have weight 0: {string.Join(", ", judges.Keys)}");
        return new LearntRewards(names, [.. names.Select(name => rewards[name])], judges);
    }

    /// <summary>x by name.</summary>
    public IReadOnlyDictionary<string, double> Of(Tensor upper)
    {
        var values = upper.data<double>();
        return Names.Select((name, place) => (name, place)).ToDictionary(static of => of.name, of => values[of.place], StringComparer.Ordinal);
    }

    /// <summary>Puts x back onto the simplex, the sum of the weights of plugins.json.</summary>
    public void Project(Tensor upper)
    {
        using var scope = NewDisposeScope();
        var sum = Begin.Sum();
        upper.copy_(RootFunctions.Simplex(upper / sum) * sum);
    }
}
