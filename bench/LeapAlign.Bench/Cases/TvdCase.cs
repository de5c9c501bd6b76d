using System.Globalization;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Drafts;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// A drafter of rank 2 for a target of full rank, 64 contexts of 40 tokens: how often a proposal is accepted after training by the Kullback-Leibler divergence, and by the total variation itself from the thousandth step on (Goel and others 2024,
/// arXiv 2403.00858).
/// </summary>
internal static class TvdCase
{
    private const int Contexts = 64, Tokens = 40, Rank = 2, Steps = 4000, Before = 1000, Drawn = 8;
    private const double Rate = 5e-3, Better = 0.03, Near = 0.01;

    /// <summary>Runs the case for each seed.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> seeds) => LibTorch.Load().Bind(_ => SeededCases.Run("| seed | KL | exact TV | sampled TV | TVD++ |", seeds, Seed));

    private static List<string> Seed(long seed)
    {
        double kl = Trained(seed, Divergence), exact = Trained(seed, Variation), sampled = Trained(seed, Plain), compared = Trained(seed, Compared);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {seed} | {kl:0.0000} | {exact:0.0000} | {sampled:0.0000} | {compared:0.0000} |"));
        return
        [
            .. SeededCases.Unless(compared >= kl + Better, $"seed {seed}: TVD++ is not {Better} better than KL"),
            .. SeededCases.Unless(Math.Abs(compared - exact) <= Near, $"seed {seed}: TVD++ is not within {Near} of the exact variation"),
        ];
    }

    private static double Trained(long seed, Func<Tensor, Tensor, RandomKey, Tensor> loss)
    {
        using var all = NewDisposeScope();
        var key = RandomKey.OfRun(seed).For("tvd case");
        var target = (key.For("target").Normal([Contexts, Tokens], CPU) * 1.5).softmax(1);
        using var weights = new CaseWeights(
            CasesBench.Optimizer("adamw", FormattableString.Invariant($$"""{ "rate": {{Rate}}, "weightDecay": 0 }""")),
            key.For("left").Normal([Contexts, Rank], CPU) * 0.1,
            key.For("right").Normal([Rank, Tokens], CPU) * 0.1,
            zeros(Tokens));
        Tensor Logarithms() => (weights.Values[0].matmul(weights.Values[1]) + weights.Values[2]).log_softmax(1);
        for (var step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            (step < Before ? Divergence : loss)(Logarithms(), target, key.For("draws", step)).backward();
            weights.Update();
        }
        using var _ = no_grad();
        return minimum(Logarithms().exp(), target).sum(1).mean().item<float>();
    }

    private static Tensor Divergence(Tensor draft, Tensor target, RandomKey draws) => (target * draft).sum(1).mean().neg();

    private static Tensor Variation(Tensor draft, Tensor target, RandomKey draws) => (draft.exp() - target).abs().sum(1).mean() / 2;

    private static Tensor Plain(Tensor draft, Tensor target, RandomKey draws)
    {
        var (chosen, rewards) = Proposals(draft, target, draws);
        return (rewards * chosen).mean().neg();
    }

    private static Tensor Compared(Tensor draft, Tensor target, RandomKey draws)
    {
        var (chosen, rewards) = Proposals(draft, target, draws);
        return DraftGradient.Loss(rewards, chosen, rewards.mean().item<float>());
    }

    private static (Tensor Logarithms, Tensor Rewards) Proposals(Tensor draft, Tensor target, RandomKey draws)
    {
        var below = draft.detach().exp().cumsum(1).unsqueeze(1).lt(Checkerboard.Uniform(draws, Contexts, Drawn).unsqueeze(2));
        var drawn = below.sum(2).clamp(0, Tokens - 1);
        var chosen = draft.gather(1, drawn);
        return (chosen, DraftGradient.Rewards(target.log().gather(1, drawn), chosen));
    }
}
