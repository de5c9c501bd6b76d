using LeapAlign.Algorithms.Forward.Copg;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// The bandit of CoPG's paper with expectations in the place of samples: three arms whose rewards are known, pairs that two other policies drew, a uniform reference. What rules converge to on data that is not their own.
/// </summary>
internal static class BanditCase
{
    private const double Beta = 0.5;

    private static readonly double[] s_rewards = [2.5, 2, 1];
    private static readonly double[] s_first = [0.1, 0.2, 0.7];
    private static readonly double[] s_second = [0.05, 0.05, 0.9];

    /// <summary>Measures the regret of each rule after 2000 and 20 000 steps, against what is known of it.</summary>
    public static Result<Unit> Run(TextWriter output)
    {
        (string Rule, Func<double[], double[]> Slopes, double Early, double Late)[] rules =
        [
            ("copg", Contrastive(), 0.012797479, 0),
            ("own mean as baseline", policy => Weighted(policy, policy.Zip(s_rewards, static (p, r) => p * r).Sum()), 0.027325842, 0.014817426),
            ("no baseline", static policy => Weighted(policy, 0), 0.637724871, 0.637792701),
        ];
        var beyond = 0;
        foreach (var (rule, slopes, early, late) in rules)
        {
            var found = Regrets(slopes);
            var within = Math.Abs(found.Early - early) < 1e-6 && Math.Abs(found.Late - late) < 1e-6;
            if (!within) beyond++;
            output.WriteLine(FormattableString.Invariant($"{rule,-24} regret {found.Early:0.000000000} after 2000 steps, {found.Late:0.000000000} after 20000{(within ? "" : "  BEYOND ITS BAR")}"));
        }
        return beyond == 0 ? Unit.Value : new Fault.Run(FaultCodes.ReplayDiffers, $"{beyond} rules are beyond their bars");
    }

    /// <summary>The slopes of the plugin's own loss, every pair with its probability.</summary>
    private static Func<double[], double[]> Contrastive()
    {
        var algorithm = new CopgAlgorithm(new CopgSettings { Beta = Beta });
        var pairs = Enumerable.Range(0, 9).Select(static pair => (First: pair / 3, Second: pair % 3)).ToArray();
        double[] rewards = [.. pairs.Select(static pair => s_rewards[pair.First]), .. pairs.Select(static pair => s_rewards[pair.Second])];
        long[] arms = [.. pairs.Select(static pair => (long)pair.First), .. pairs.Select(static pair => (long)pair.Second)];
        double[] shares = [.. pairs.Select(static pair => s_first[pair.First] * s_second[pair.Second])];
        return policy =>
        {
            using var scope = NewDisposeScope();
            var logarithms = tensor([.. policy.Select(static p => Math.Log(p))], dtype: float64).requires_grad_();
            var losses = algorithm.Losses(tensor(rewards, dtype: float64).reshape(2, 9), (logarithms + Math.Log(3)).index_select(0, tensor(arms)).reshape(2, 9));
            (losses * tensor(shares, dtype: float64)).sum().backward();
            return [.. logarithms.grad!.data<double>().Select(static slope => -slope)];
        };
    }

    private static double[] Weighted(double[] policy, double baseline) =>
        [.. policy.Select((p, arm) => (s_first[arm] + s_second[arm]) * (s_rewards[arm] - (Beta * Math.Log(3 * p)) - baseline))];

    private static (double Early, double Late) Regrets(Func<double[], double[]> slopes)
    {
        double[] logits = [0, 0, 0], means = [0, 0, 0], squares = [0, 0, 0];
        var best = Value(Softmax([.. s_rewards.Select(static reward => reward / Beta)]));
        var early = 0.0;
        for (var step = 1; step <= 20_000; step++)
        {
            var policy = Softmax(logits);
            var own = slopes(policy);
            var sum = own.Sum();
            for (var arm = 0; arm < 3; arm++)
            {
                var gradient = -(own[arm] - (sum * policy[arm]));
                means[arm] = (0.9 * means[arm]) + (0.1 * gradient);
                squares[arm] = (0.999 * squares[arm]) + (0.001 * gradient * gradient);
                logits[arm] -= 1e-3 * (means[arm] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(squares[arm] / (1 - Math.Pow(0.999, step))) + 1e-8);
            }
            if (step == 2000) early = best - Value(Softmax(logits));
        }
        return (early, best - Value(Softmax(logits)));
    }

    private static double Value(double[] policy) => policy.Zip(s_rewards, static (p, reward) => p * (reward - (Beta * Math.Log(3 * p)))).Sum();

    private static double[] Softmax(double[] logits)
    {
        double[] powers = [.. logits.Select(static logit => Math.Exp(logit))];
        return [.. powers.Select(power => power / powers.Sum())];
    }
}
