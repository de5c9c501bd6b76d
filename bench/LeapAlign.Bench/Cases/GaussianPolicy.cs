using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Cases;

/// <summary>A Gaussian policy in ten dimensions: an action is the mean and noise, its reward falls with the distance to a goal.</summary>
internal static class GaussianPolicy
{
    /// <summary>Of an action.</summary>
    public const int Dimensions = 10;

    /// <summary>Of the noise.</summary>
    public const double Deviation = 0.5;

    private const int Points = 4000;

    private static readonly double[][] s_noise = Draws(RandomKey.OfRun(999), Points);

    /// <summary>The goal of a seed, 3 away.</summary>
    public static double[] Goal(RandomKey key)
    {
        var goal = Draws(key.For("goal"), 1)[0];
        var length = Math.Sqrt(goal.Sum(static value => value * value));
        return [.. goal.Select(value => 3 * value / length)];
    }

    /// <summary>The reward of an action.</summary>
    public static double Reward(double[] action, double[] goal) => -Math.Log(1 + Distance(action, goal));

    private static double Distance(double[] action, double[] goal) => action.Zip(goal).Sum(static pair => Math.Pow(pair.First - pair.Second, 2));

    /// <summary>An action.</summary>
    public static double[] Moved(double[] at, double[] z) => [.. at.Zip(z, static (value, noise) => value + (Deviation * noise))];

    /// <summary>The mean of the reward's gradient over the policy.</summary>
    public static double[] Exact(double[] at, double[] goal)
    {
        var sum = new double[Dimensions];
        foreach (var z in s_noise)
        {
            var action = Moved(at, z);
            var scale = -2 / (1 + Distance(action, goal)) / Points;
            for (var i = 0; i < Dimensions; i++) sum[i] += scale * (action[i] - goal[i]);
        }
        return sum;
    }

    /// <summary>Standard normal numbers.</summary>
    public static double[][] Draws(RandomKey key, int count)
    {
        var random = key.Open();
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, Dimensions).Select(_ => random.NextNormal()).ToArray())];
    }
}
