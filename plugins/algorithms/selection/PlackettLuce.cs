using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection;

/// <summary>
/// Plackett and Luce's distribution over ordered picks (Luce 1959; Plackett 1975): one after another, each with the softmax of the scores of what is left,
/// <c>log p(z) = Σ_k [s_{z_k} − lse(s of those not picked before)]</c>.
/// </summary>
internal static class PlackettLuce
{
    /// <summary>The log-probability of picks, [B], with gradient to the scores.</summary>
    /// <param name="scores">s, [B, N].</param>
    /// <param name="picks">z, [B, K], int64, no candidate twice in a row.</param>
    public static Tensor LogProbability(Tensor scores, Tensor picks)
    {
        var taken = zeros(scores.shape, dtype: ScalarType.Bool, device: scores.device);
        var terms = new List<Tensor>();
        foreach (var pick in picks.unbind(1))
        {
            var at = pick.unsqueeze(1);
            terms.Add(scores.gather(1, at).squeeze(1) - scores.masked_fill(taken, double.NegativeInfinity).logsumexp(1));
            taken = taken.scatter(1, at, ones_like(at, dtype: ScalarType.Bool));
        }
        return stack(terms).sum([0L]);
    }

    /// <summary>Draws picks: the highest of scores with Gumbel noise are a draw of the distribution, in order.</summary>
    /// <param name="scores">s of one sample, [N].</param>
    /// <param name="picks">K.</param>
    /// <param name="random">Gives N numbers.</param>
    public static int[] Draw(IReadOnlyList<double> scores, int picks, KeyedRandom random) => Best([.. scores.Select(score => score - Math.Log(-Math.Log(random.NextDouble())))], picks);

    /// <summary>The likeliest picks: the highest scores, in order; of equal ones the first.</summary>
    /// <param name="scores">s of one sample, [N].</param>
    /// <param name="picks">K.</param>
    public static int[] Best(IReadOnlyList<double> scores, int picks) => [.. Enumerable.Range(0, scores.Count).OrderByDescending(place => scores[place]).Take(picks)];
}
