using System.Globalization;
using LeapAlign.Algorithms.Selection;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// 32 queries with 8 documents each, one of which holds the answer; a selector of scores for each and a generator that reads two documents in order, trained by five iterations of eight selections a query (Shi and others 2025,
/// arXiv 2505.03075). Drawn, weighed and learnt by the plugin's own code.
/// </summary>
internal static class DroEmCase
{
    private const int Queries = 32, Documents = 8, Answers = 5, Picks = 2, Drawn = 8, Iterations = 5, Updates = 60;
    private const double Least = 0.75;

    /// <summary>Runs the case for each seed.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> seeds) =>
        LibTorch.Load().Bind(_ => SeededCases.Run("| seed | log p(y|x) before | after each of five iterations | first pick holds the answer |", seeds, Seed));

    private static List<string> Seed(long seed)
    {
        using var scope = NewDisposeScope();
        var questions = new Questions(RandomKey.OfRun(seed).For("dro-em case"));
        using var weights = new CaseWeights(CasesBench.Optimizer("adamw", """{ "rate": 0.05, "weightDecay": 0 }"""), zeros(Queries, Documents), eye(Answers), eye(Answers));
        List<double> marginals = [questions.Marginal(weights.Values)];
        for (var iteration = 0; iteration < Iterations; iteration++)
        {
            // Each iteration begins its optimizer anew, as published.
            using var round = new CaseWeights(CasesBench.Optimizer("adamw", """{ "rate": 0.05, "weightDecay": 0 }"""), weights.Values);
            Iterate(questions, round, iteration);
            using (no_grad())
            {
                foreach (var (kept, moved) in weights.Values.Zip(round.Values)) kept.copy_(moved);
            }
            marginals.Add(questions.Marginal(weights.Values));
        }
        var first = questions.First(weights.Values[0]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {seed} | {marginals[0]:0.000} | {string.Join(", ", marginals.Skip(1).Select(static value => value.ToString("0.000", CultureInfo.InvariantCulture)))} | {first:0.00} |"));
        return
        [
            .. SeededCases.Unless(marginals.Zip(marginals.Skip(1)).All(static pair => pair.Second > pair.First), $"seed {seed}: log p(y|x) falls in an iteration"),
            .. SeededCases.Unless(first >= Least, $"seed {seed}: the first pick holds the answer in less than {Least}"),
        ];
    }

    private static void Iterate(Questions questions, CaseWeights weights, int iteration)
    {
        using var scope = NewDisposeScope();
        int[][][] picks;
        double[][] shares;
        using (no_grad())
        {
            var scores = Enumerable.Range(0, Queries).Select(query => weights.Values[0][query].to(float64).data<double>().ToArray()).ToArray();
            picks = [.. scores.Select((own, query) => Draw(own, questions.Key.For("draws", iteration).For("query", query)))];
            var likelihoods = questions.Likelihoods(weights.Values, Flat(picks)).to(float64).data<double>().ToArray();
            shares = [.. likelihoods.Chunk(Drawn).Select(static own => Evidence.Of(own, 0).Weights)];
        }
        var (flat, share) = (Flat(picks), tensor(shares.SelectMany(static own => own.Select(static value => (float)value)).ToArray()));
        for (var update = 0; update < Updates; update++)
        {
            using var inner = NewDisposeScope();
            var selected = PlackettLuce.LogProbability(weights.Values[0].repeat_interleave(Drawn, 0), flat);
            ((share * (selected + questions.Likelihoods(weights.Values, flat))).sum() / -Queries).backward();
            weights.Update();
        }
    }

    private static int[][] Draw(double[] scores, RandomKey key)
    {
        var random = key.Open();
        return [.. Enumerable.Range(0, Drawn).Select(_ => PlackettLuce.Draw(scores, Picks, random))];
    }

    private static Tensor Flat(int[][][] picks) => tensor(picks.SelectMany(static own => own.SelectMany(static each => each.Select(static pick => (long)pick))).ToArray()).reshape(-1, Picks);

    // Which answer each document has, and which is asked for.
    private sealed class Questions
    {
        private readonly Tensor _answers;
        private readonly Tensor _documents;

        public Questions(RandomKey key)
        {
            Key = key;
            var random = key.For("questions").Open();
            long[] answers = [.. Enumerable.Range(0, Queries).Select(_ => (long)random.NextInt(0, Answers))];
            var documents = new long[Queries, Documents];
            for (var query = 0; query < Queries; query++)
            {
                for (var document = 0; document < Documents; document++) documents[query, document] = random.NextInt(0, Answers);
                documents[query, random.NextInt(0, Documents)] = answers[query];
            }
            (_answers, _documents) = (tensor(answers), tensor(documents));
        }

        public RandomKey Key { get; }

        // ln p(y | x, z) of as many selections of each query, query by query: the two documents add logits.
        public Tensor Likelihoods(IReadOnlyList<Tensor> weights, Tensor picks)
        {
            var each = picks.shape[0] / Queries;
            var read = _documents.repeat_interleave(each, 0).gather(1, picks);
            var logits = weights[1].index_select(0, read.select(1, 0)) + weights[2].index_select(0, read.select(1, 1));
            return logits.log_softmax(1).gather(1, _answers.repeat_interleave(each).unsqueeze(1)).squeeze(1);
        }

        // ln Σ_z p(z | x) p(y | x, z) over all ordered pairs, a mean over queries.
        public double Marginal(IReadOnlyList<Tensor> weights)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            long[] pairs = [.. from first in Enumerable.Range(0, Documents) from second in Enumerable.Range(0, Documents) where first != second from pick in new long[] { first, second } select pick];
            var all = tensor(pairs).reshape(-1, Picks);
            var count = all.shape[0];
            var repeated = all.repeat(Queries, 1);
            var joint = PlackettLuce.LogProbability(weights[0].repeat_interleave(count, 0), repeated) + Likelihoods(weights, repeated);
            return joint.view(Queries, count).logsumexp(1).mean().item<float>();
        }

        public double First(Tensor scores)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            return _documents.gather(1, scores.argmax(1, keepdim: true)).squeeze(1).eq(_answers).to(float32).mean().item<float>();
        }
    }
}
