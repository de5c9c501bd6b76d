using System.Globalization;
using System.Security.Cryptography;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting.Sites;

/// <summary>
/// A fit of the last layer over sites, each with pictures and scores of its own. What leaves a site: the number of its rows, sums of scores, of what goes into the last layer and of the squares of that; what neighbours exchange
/// (<see cref="SiteDescent"/>); the last layer it came to with one gradient there; and how well it fits what the site held out.
/// </summary>
/// <param name="plan">Guidance, precision and batch.</param>
/// <param name="options">What the command line says.</param>
/// <param name="living">The model, the pictures, and where tensors live.</param>
/// <param name="ranks">The sites.</param>
/// <param name="stages">Hear of it.</param>
/// <param name="say">Takes lines of progress.</param>
internal sealed class SiteFit(RunPlan plan, FitOptions options, (IModel Model, PictureSpace Pictures, Device Device) living, RunRanks ranks, OpenStages stages, Action<string> say)
{
    private readonly RandomKey _random = RandomKey.OfRun(options.Seed).For("fit");

    /// <summary>The path that states of this site are kept at; null keeps none.</summary>
    public string? States { get; init; }

    private FitSamples Samples => new(living.Model, living.Pictures.Size, stages) { Sigmas = options.Sigmas, Random = _random };

    private string File => (options.Scores ?? options.Pairs)!;

    /// <summary>Fits.</summary>
    /// <param name="reward">What is fitted.</param>
    /// <param name="graph">Who is whose neighbour.</param>
    /// <param name="prompts">Pictures with captions, those of this site.</param>
    /// <param name="stop">Asks to stop at the next meeting.</param>
    /// <returns>The same in all sites; null when it was stopped.</returns>
    /// <exception cref="FaultException">A part failed, or another site.</exception>
    public Result<FitOutcome?> Run(IFittedReward reward, RankGraph graph, IReadOnlyList<Prompt> prompts, CancellationToken stop)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        if (!Scores(prompts).TryGet(out var scores, out var bad)) return bad;
        int[] learnt = [.. Enumerable.Range(0, prompts.Count).Where(row => !IsHeldOut(prompts[row].Text))];
        int[] measured = [.. Enumerable.Range(0, prompts.Count).Except(learnt)];
        if (learnt.Length == 0) return new Fault.Input(FaultCodes.CannotFit, $"none of the {prompts.Count} rows of this site is there to learn from; take more captions, or a smaller --held-out", new SourcePlace(File));
        if (!Spread([.. learnt.Select(row => scores[row])]).TryGet(out var spread, out var flat)) return flat;
        return reward.BeginFit(living.Model, new FitTargets(FormattableString.Invariant($"{ranks.World} sites"), spread.Offset, spread.Scale, options.Sigmas[0], options.Sigmas[^1], 0, _random.For("reward"))).Bind(fit =>
        {
            using (fit)
            {
                return Layered(reward, fit).Bind(layered =>
                {
                    var inputs = stack(learnt.SelectMany(row => LastInputs(layered, prompts[row])));
                    var targets = tensor([.. learnt.SelectMany(row => options.Sigmas.Select(_ => (scores[row] - spread.Offset) / spread.Scale))], dtype: ScalarType.Float64, device: living.Device);
                    return Solved(layered, graph, (inputs, targets), stop).Map(solution => solution is null ? null : Outcome(layered, graph, (prompts, scores, measured), (solution, (int)ranks.Gather("rows of sites", [learnt.Length]).Sum())));
                });
            }
        });
    }

    // By words alone, so that a caption is on the same side in all sites, whatever else they have.
    private bool IsHeldOut(string caption) => _random.For("held out").For(caption).Open().NextDouble() < options.HeldOut;

    private Result<IReadOnlyList<double>> Scores(IReadOnlyList<Prompt> prompts) => options.Scores is { } file
        ? prompts.Select(prompt => RowScore.Of(prompt, file)).All()
        : Result.Ok<IReadOnlyList<double>>([.. prompts.Select(static _ => 0.0)]);

    private Result<ILastLayerFit> Layered(IFittedReward reward, IRewardFit fit)
    {
        if (fit is not ILastLayerFit layered) return new Fault.Composition(FaultCodes.CannotFit, $"the reward '{options.Reward}' has no last layer for sites to fit; leave {FitOptions.OverOption} out", new SourcePlace(FitOptions.OverOption));
        if (options.Layers is not { } file) return Result.Ok(layered);
        return fit is IContinuedFit continued
            ? continued.Continue(Path.GetFullPath(file)).Map(_ => layered)
            : new Fault.Composition(FaultCodes.CannotFit, $"the reward '{Path.GetFileName(reward.File)}' takes no layers of another; leave {FitOptions.LayersOption} out", new SourcePlace(FitOptions.LayersOption));
    }

    // Mean and deviation of the scores of all sites; preferences have none.
    private Result<(double Offset, double Scale)> Spread(IReadOnlyList<double> scores)
    {
        if (options.Pairs is not null) return (0, 1);
        var sums = Summed("sums of scores", [scores.Count, scores.Sum()]);
        var mean = sums[1] / sums[0];
        var deviation = Math.Sqrt(Summed("squares of scores", [scores.Sum(score => (score - mean) * (score - mean))])[0] / sums[0]);
        return deviation > 0
            ? (mean, deviation)
            : Result.Fail<(double, double)>(new Fault.Run(FaultCodes.CannotFit, FormattableString.Invariant($"the sites give {mean:G6} to every sample; there is nothing to learn"), plan.Prompts.Place) { Rank = 0 });
    }

    // One row for each noise level; of a pair the difference.
    private IEnumerable<Tensor> LastInputs(ILastLayerFit fit, Prompt prompt)
    {
        var (preferred, rejected) = Features(fit, prompt, options.Sigmas);
        for (var level = 0; level < options.Sigmas.Count; level++)
        {
            using var scope = NewDisposeScope();
            double[] sigma = [options.Sigmas[level]];
            var inputs = fit.LastInputs(preferred[level], sigma)[0].to(ScalarType.Float64);
            yield return (rejected is null ? inputs : inputs - fit.LastInputs(rejected[level], sigma)[0].to(ScalarType.Float64)).MoveToOuterDisposeScope();
        }
    }

    private (Tensor[] Preferred, Tensor[]? Rejected) Features(ILastLayerFit fit, Prompt prompt, IReadOnlyList<double> sigmas)
    {
        var pictures = new PromptPictures(living.Model, living.Pictures, stages, living.Device);
        Tensor[] Of(int number)
        {
            using var latents = pictures.Latents([prompt], number);
            // By the picture, so that its noise is the same at whatever site it lies; that of a pair is one.
            var key = _random.For("picture").For(Convert.ToHexString(SHA256.HashData(System.IO.File.ReadAllBytes(prompt.Pictures[0]))));
            return [.. sigmas.Select(sigma => Samples.Features(fit, latents, [prompt], sigma, [key]))];
        }
        return (Of(0), options.Pairs is null ? null : Of(1));
    }

    // On a scale on which every input has variance 1 over all sites, or its differences a mean square of 1, and scores a mean of 0: the intercept is what that leaves.
    private Result<SiteSolution?> Solved(ILastLayerFit fit, RankGraph graph, (Tensor Inputs, Tensor Targets) rows, CancellationToken stop)
    {
        var width = (int)rows.Inputs.shape[1];
        double[] Numbers(Tensor values) => values.cpu().data<double>().ToArray();
        var count = Summed("numbers of rows", [rows.Inputs.shape[0]])[0];
        var means = options.Pairs is null ? tensor([.. Summed("sums of inputs", Numbers(rows.Inputs.sum([0]))).Select(sum => sum / count)], dtype: ScalarType.Float64, device: living.Device) : zeros(width, dtype: ScalarType.Float64, device: living.Device);
        var centred = rows.Inputs - means;
        var scales = tensor([.. Summed("squares of inputs", Numbers(centred.square().sum([0]))).Select(sum => sum / count is > 0 and var variance ? Math.Sqrt(variance) : 1)], dtype: ScalarType.Float64, device: living.Device);
        var inputs = (centred / scales).cpu();
        var share = ranks.World / count;
        var problem = options.Pairs is null ? SiteProblem.Ridge(inputs, rows.Targets.cpu(), share, options.Penalty) : SiteProblem.Logistic(inputs, share, options.Penalty);
        var descent = new SiteDescent(ranks, graph, problem, _random.For("sites")) { Stages = stages, States = States, Resumes = options.Resumes, Say = say };
        return descent.Solve(stop).Map(solution =>
        {
            if (solution is null) return null;
            say(FormattableString.Invariant($"{solution.Events} events: ‖w − w*‖ ≤ {solution.Bound:G2}, sites apart by {solution.Apart:G2}; this site took {solution.Gradients} gradients and {solution.Exchanges} exchanges of {width} numbers"));
            var weights = tensor(solution.Weights, dtype: ScalarType.Float64, device: living.Device) / scales;
            fit.SetLastLayer(weights.to(ScalarType.Float32), -weights.dot(means).item<double>());
            return solution;
        });
    }

    private FitOutcome Outcome(ILastLayerFit fit, RankGraph graph, (IReadOnlyList<Prompt> Prompts, IReadOnlyList<double> Scores, int[] Rows) measured, (SiteSolution Solution, int Samples) found)
    {
        List<(double, FitQuality)> quality = [];
        foreach (var sigma in options.Sigmas)
        {
            List<(double Preferred, double? Rejected)> scored = [];
            foreach (var row in measured.Rows)
            {
                using var scope = NewDisposeScope();
                double Score(Tensor features) => FitSamples.Numbers(fit.Score(features, [sigma]), options.Reward, [measured.Prompts[row]])[0];
                var (preferred, rejected) = Features(fit, measured.Prompts[row], [sigma]);
                scored.Add((Score(preferred[0]), rejected is null ? null : Score(rejected[0])));
            }
            var own = scored.Count == 0
                ? new FitQuality(0)
                : options.Pairs is null
                    ? FitQuality.OfScores([.. measured.Rows.Select(row => measured.Scores[row])], [.. scored.Select(static each => each.Preferred)])
                    : FitQuality.OfPairs([.. scored.Select(static each => each.Preferred)], [.. scored.Select(static each => each.Rejected!.Value)]);
            quality.Add((sigma, FitQuality.Mean([.. ranks.Gather("quality of sites", own.Numbers).Chunk(own.Numbers.Count)])));
        }
        var record = FitRecord.Of(options, FormattableString.Invariant($"{ranks.World} sites"), found.Samples, quality[0].Item2);
        record["fit.updates"] = "0";
        record["fit.over"] = graph.ToString();
        record["fit.events"] = found.Solution.Events.ToString(CultureInfo.InvariantCulture);
        record["fit.ridge"] = options.Penalty.ToString("R", CultureInfo.InvariantCulture);
        return new FitOutcome(FitRecord.Kept(fit.ToFile(record)), quality);
    }

    private double[] Summed(string what, IReadOnlyList<double> own)
    {
        var all = ranks.Gather(what, own).Chunk(own.Count).ToArray();
        return [.. Enumerable.Range(0, own.Count).Select(i => all.Sum(site => site[i]))];
    }
}
