using System.Globalization;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting;

/// <summary>What a fit came to.</summary>
/// <param name="File">What is to be written.</param>
/// <param name="Quality">How well it fits what it did not learn from, by noise level.</param>
internal sealed record FitOutcome(FittedFile File, IReadOnlyList<(double Sigma, FitQuality Quality)> Quality)
{
    /// <summary>What the weights of samples do, what hurts most first; empty where it was not asked for.</summary>
    public IReadOnlyList<RowEffect> Effects { get; init; } = [];
}

/// <summary>A fit: samples, updates, and the measure of what came of it on captions that were held out.</summary>
/// <param name="plan">Guidance, precision and batch.</param>
/// <param name="options">What the command line says.</param>
/// <param name="living">The model, what draws with it, the pictures, and where tensors live.</param>
/// <param name="stages">Hear of it.</param>
/// <param name="say">Takes lines of progress.</param>
internal sealed class FitWork(RunPlan plan, FitOptions options, (IModel Model, ISampler? Sampler, PictureSpace Pictures, Device Device) living, OpenStages stages, Action<string> say)
{
    private const int Said = 10;
    private readonly RandomKey _random = RandomKey.OfRun(options.Seed).For("fit");

    private FitSamples Samples => new(living.Model, living.Pictures.Size, stages) { Sigmas = options.Sigmas, Random = _random };

    private ScalarType Kept => Dtype.Parse(plan.Run.Dtype)!.Value;

    /// <summary>Fits.</summary>
    /// <param name="reward">What is fitted.</param>
    /// <param name="teacher">Whose scores it learns; null where prompts come with pictures.</param>
    /// <param name="prompts">Captions, or pictures with captions.</param>
    /// <param name="stop">Ends it with an exception.</param>
    /// <exception cref="FaultException">A part failed.</exception>
    public Result<FitOutcome> Run(IFittedReward reward, RunReward? teacher, IReadOnlyList<Prompt> prompts, CancellationToken stop)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        return from split in HeldOut(prompts)
               from outcome in teacher is not null ? OfDrawings(reward, teacher, prompts, split, stop) : options.Scores is not null ? OfScores(reward, prompts, split, stop) : OfPairs(reward, prompts, split, stop)
               select outcome;
    }

    // By their words, so that no caption is on both sides.
    private Result<HashSet<string>> HeldOut(IReadOnlyList<Prompt> prompts)
    {
        var captions = prompts.Select(static prompt => prompt.Text).Distinct(StringComparer.Ordinal).ToArray();
        var count = (int)Math.Ceiling(captions.Length * options.HeldOut);
        return captions.Length - count < 1 || captions.Length < 2
            ? new Fault.Input(FaultCodes.CannotFit, $"there are {captions.Length} different captions; some to learn from and {options.HeldOut.ToString("P0", CultureInfo.InvariantCulture)} to be measured by need more", plan.Prompts.Place)
            : _random.For("held out").Open().Shuffle(captions).Take(count).ToHashSet(StringComparer.Ordinal);
    }

    private Result<FitOutcome> OfDrawings(IFittedReward reward, RunReward teacher, IReadOnlyList<Prompt> prompts, HashSet<string> heldOut, CancellationToken stop)
    {
        List<Drawn> drawn = [];
        var sampling = new PictureSampling(living.Model, living.Sampler!, plan.Guidance, stages)
        {
            Schedule = living.Sampler!.CreateSchedule(living.Model.Scheduling.For(living.Pictures.Latents)),
            Noise = _random,
            Pictures = living.Pictures,
            Device = living.Device,
        };
        var order = _random.For("prompts").Open().Shuffle(prompts);
        var requests = Enumerable.Range(0, options.Pictures).Select(number => new PictureRequest(order[number % order.Length], number / order.Length)).ToArray();
        foreach (var batch in requests.Chunk(plan.Run.Batch))
        {
            stop.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            Prompt[] captions = [.. batch.Select(static picture => picture.Prompt)];
            var (latents, pictures) = sampling.Draw(batch);
            var scores = FitSamples.Numbers(new PictureScoring([teacher], stages).All(pictures, captions)[0].Scores, teacher.Name, captions);
            var gradient = Samples.GradientOf(teacher, latents, captions);
            for (var i = 0; i < batch.Length; i++)
            {
                Tensor Own(Tensor of) => of[i].clone().MoveToOuterDisposeScope();
                drawn.Add(new(Own(latents), batch[i].Prompt, batch[i].Image, scores[i], gradient is null ? null : Own(gradient)));
            }
            Say("drawn", drawn.Count - batch.Length, drawn.Count, requests.Length, "pictures");
        }
        var learnt = drawn.Where(sample => !heldOut.Contains(sample.Prompt.Text)).ToArray();
        var measured = drawn.Where(sample => heldOut.Contains(sample.Prompt.Text)).ToArray();
        if (Enough(learnt.Length, measured.Length) is { } few) return few;
        if (!Spread(teacher.Name, [.. learnt.Select(static sample => sample.Score)]).TryGet(out var spread, out var flat)) return flat;
        return Begin(reward, teacher.Name, spread).Map(fit =>
        {
            using (fit)
            {
                using var rows = new FitRows(Kept);
                foreach (var sample in learnt)
                {
                    stop.ThrowIfCancellationRequested();
                    foreach (var sigma in options.Sigmas) AddRow(fit, rows, (sample.Latents, sample.Prompt, sample.Image), sigma, sample.Score);
                }
                var layer = LastLayer(fit, [.. learnt.Select(static sample => sample.Prompt.Text)]);
                var taught = learnt.Where(sample => layer?.IsAside(sample.Prompt.Text) != true).ToArray();
                var draws = _random.For("slopes").Open();
                FitSlopes Slopes()
                {
                    var chosen = Enumerable.Range(0, options.Slopes).Select(_ => taught[draws.NextInt(0, taught.Length)]).ToArray();
                    return Samples.Slopes(fit, stack(chosen.Select(static sample => sample.Latents)), [.. chosen.Select(static sample => sample.Prompt)], stack(chosen.Select(static sample => sample.Gradient!)), spread.Scale);
                }
                Learn(fit, rows, (options.Slopes > 0 && learnt[0].Gradient is not null ? Slopes : null, layer), stop);
                var ridge = Ridge(layer, fit, rows, spread);
                List<(double, FitQuality)> quality = [];
                foreach (var sigma in options.Sigmas)
                {
                    using var at = new FitRows(Kept);
                    foreach (var sample in measured) AddRow(fit, at, (sample.Latents, sample.Prompt, sample.Image), sigma, sample.Score);
                    var agreed = FitQuality.OfScores(at.Scores, Scores(fit, at));
                    layer?.Judge(fit, at, spread, living.Device);
                    quality.Add((sigma, sigma == 0 ? agreed with { Gradient = Samples.Agreement(fit, measured), FittedGradient = Samples.Agreement(fit, learnt.Take(measured.Length)) } : agreed));
                }
                RowEffect Named(int place) => new(place + 1, learnt[place].Image.ToString(CultureInfo.InvariantCulture), learnt[place].Prompt.Text, learnt[place].Score, 0);
                return Outcome(fit, teacher.Name, learnt.Length, quality, ridge) with { Effects = Effects(layer, spread.Scale, Named) };
            }
        });
    }

    private Result<FitOutcome> OfScores(IFittedReward reward, IReadOnlyList<Prompt> prompts, HashSet<string> heldOut, CancellationToken stop)
    {
        if (!prompts.Select(prompt => RowScore.Of(prompt, options.Scores!)).All().TryGet(out var scores, out var bad)) return bad;
        var (learnt, measured) = Split(prompts, heldOut);
        if (Enough(learnt.Length, measured.Length) is { } few) return few;
        if (!Spread(options.Scores!, [.. learnt.Select(row => scores[row])]).TryGet(out var spread, out var flat)) return flat;
        return Begin(reward, Path.GetFileName(options.Scores!), spread).Map(fit =>
        {
            using (fit)
            {
                void Add(FitRows rows, int row, Tensor latents, IReadOnlyList<double> sigmas)
                {
                    foreach (var sigma in sigmas) AddRow(fit, rows, (latents, prompts[row], row), sigma, scores[row]);
                }
                FitRows Rows(int[] of, IReadOnlyList<double> sigmas) => Encoded(of, prompts, (rows, row, latents) => Add(rows, row, latents, sigmas), stop);
                double? ridge;
                var layer = LastLayer(fit, [.. learnt.Select(row => prompts[row].Text)]);
                using (var rows = Rows(learnt, options.Sigmas))
                {
                    Learn(fit, rows, (null, layer), stop);
                    ridge = Ridge(layer, fit, rows, spread);
                }
                List<(double, FitQuality)> quality = [];
                foreach (var sigma in options.Sigmas)
                {
                    using var at = Rows(measured, [sigma]);
                    quality.Add((sigma, FitQuality.OfScores(at.Scores, Scores(fit, at))));
                    layer?.Judge(fit, at, spread, living.Device);
                }
                RowEffect Named(int place) => new(learnt[place] + 1, prompts[learnt[place]].Pictures[0], prompts[learnt[place]].Text, scores[learnt[place]], 0);
                return Outcome(fit, Path.GetFileName(options.Scores!), learnt.Length, quality, ridge) with { Effects = Effects(layer, spread.Scale, Named) };
            }
        });
    }

    private Result<FitOutcome> OfPairs(IFittedReward reward, IReadOnlyList<Prompt> prompts, HashSet<string> heldOut, CancellationToken stop)
    {
        var (learnt, measured) = Split(prompts, heldOut);
        if (Enough(learnt.Length, measured.Length) is { } few) return few;
        var pictures = new PromptPictures(living.Model, living.Pictures, stages, living.Device);
        return Begin(reward, Path.GetFileName(options.Pairs!), (0, 1)).Map(fit =>
        {
            using (fit)
            {
                void Add(FitRows rows, int row, Tensor preferred, IReadOnlyList<double> sigmas)
                {
                    var rejected = pictures.Latents([prompts[row]], 1)[0];
                    foreach (var sigma in sigmas) rows.Add(FeaturesOf(fit, (preferred, prompts[row], row), sigma), FeaturesOf(fit, (rejected, prompts[row], row), sigma), sigma);
                }
                FitRows Rows(int[] of, IReadOnlyList<double> sigmas) => Encoded(of, prompts, (rows, row, preferred) => Add(rows, row, preferred, sigmas), stop);
                using (var rows = Rows(learnt, options.Sigmas)) Learn(fit, rows, (null, null), stop);
                List<(double, FitQuality)> quality = [];
                foreach (var sigma in options.Sigmas)
                {
                    using var at = Rows(measured, [sigma]);
                    quality.Add((sigma, FitQuality.OfPairs(Scores(fit, at), Scores(fit, at, rejected: true))));
                }
                return Outcome(fit, Path.GetFileName(options.Pairs!), learnt.Length, quality);
            }
        });
    }

    private FitRows Encoded(int[] of, IReadOnlyList<Prompt> prompts, Action<FitRows, int, Tensor> add, CancellationToken stop)
    {
        var (rows, pictures) = (new FitRows(Kept), new PromptPictures(living.Model, living.Pictures, stages, living.Device));
        foreach (var row in of)
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            add(rows, row, pictures.Latents([prompts[row]], 0)[0]);
        }
        return rows;
    }

    private void Learn(IRewardFit fit, FitRows rows, (Func<FitSlopes>? Slopes, LastLayerSolution? Layer) beside, CancellationToken stop)
    {
        var aside = beside.Layer?.Aside(rows);
        int[] taught = [.. Enumerable.Range(0, rows.Count).Where(row => aside?[row] != true)];
        var numbers = _random.For("batches").Open();
        for (var update = 0; update < options.Updates; update++)
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            int[] batch = [.. Enumerable.Range(0, options.Batch).Select(_ => taught[numbers.NextInt(0, taught.Length)])];
            double[] sigmas = [.. batch.Select(row => rows.Sigmas[row])];
            var loss = rows.ArePairs
                ? fit.LearnPairs(update, rows.Features(batch), rows.Rejected(batch), sigmas)
                : fit.LearnScores(update, rows.Features(batch), sigmas, tensor(batch.Select(row => (float)rows.Scores[row]).ToArray(), device: living.Device), beside.Slopes?.Invoke());
            if (!double.IsFinite(loss)) throw new FaultException(new Fault.Run(FaultCodes.CannotFit, FormattableString.Invariant($"the loss of update {update + 1} is {loss}; a lower rate may help")));
            Say(FormattableString.Invariant($"loss {loss:G4} after"), update, update + 1, options.Updates, "updates");
        }
    }

    private LastLayerSolution? LastLayer(IRewardFit fit, IReadOnlyList<string> captions) => options.Ridge ? Given(LastLayerSolution.Of(options, _random, fit, captions)) : null;

    private double? Ridge(LastLayerSolution? layer, IRewardFit fit, FitRows rows, (double Offset, double Scale) spread)
    {
        if (layer is null) return null;
        var solved = Given(layer.Solve(fit, rows, spread, living.Device));
        say(FormattableString.Invariant($"ridge: lambda {solved.Lambda:G4}, squared error {solved.Error:G4} of what was set aside"));
        return solved.Lambda;
    }

    private IReadOnlyList<RowEffect> Effects(LastLayerSolution? layer, double scale, Func<int, RowEffect> named) => layer is null || options.Effects is null
        ? []
        : [.. Given(layer.Effects(scale)).Select((effect, place) => named(place) with { Effect = effect }).OrderByDescending(static each => each.Effect)];

    private static T Given<T>(Result<T> result) => result.Match(static value => value, static fault => throw new FaultException(fault));

    private double[] Scores(IRewardFit fit, FitRows rows, bool rejected = false)
    {
        List<double> scores = [];
        foreach (var chunk in Enumerable.Range(0, rows.Count).Chunk(options.Batch))
        {
            using var scope = NewDisposeScope();
            var values = fit.Score(rejected ? rows.Rejected(chunk) : rows.Features(chunk), [.. chunk.Select(row => rows.Sigmas[row])]);
            scores.AddRange(values.to(ScalarType.Float64).cpu().data<double>().ToArray());
        }
        return [.. scores];
    }

    private void AddRow(IRewardFit fit, FitRows rows, (Tensor Latents, Prompt Prompt, int Image) sample, double sigma, double score)
    {
        using var scope = NewDisposeScope();
        rows.Add(FeaturesOf(fit, sample, sigma), sigma, score);
    }

    private Tensor FeaturesOf(IRewardFit fit, (Tensor Latents, Prompt Prompt, int Image) sample, double sigma) =>
        Samples.Features(fit, sample.Latents.unsqueeze(0), [sample.Prompt], sigma, [Samples.Key(sample.Prompt, sample.Image)])[0];

    private Result<IRewardFit> Begin(IFittedReward reward, string source, (double Offset, double Scale) spread) =>
        reward.BeginFit(living.Model, new FitTargets(source, spread.Offset, spread.Scale, options.Sigmas[0], options.Sigmas[^1], options.Updates, _random.For("reward")));

    private FitOutcome Outcome(IRewardFit fit, string source, int learnt, List<(double Sigma, FitQuality Quality)> quality, double? ridge = null)
    {
        var record = FitRecord.Of(options, source, learnt, quality[0].Quality);
        if (ridge is { } lambda) record["fit.ridge"] = lambda.ToString("R", CultureInfo.InvariantCulture);
        return new FitOutcome(FitRecord.Kept(fit.ToFile(record)), quality);
    }

    private static (int[] Learnt, int[] Measured) Split(IReadOnlyList<Prompt> prompts, HashSet<string> heldOut)
    {
        var sides = Enumerable.Range(0, prompts.Count).ToLookup(row => heldOut.Contains(prompts[row].Text));
        return ([.. sides[false]], [.. sides[true]]);
    }

    private Fault? Enough(int learnt, int measured) => learnt >= 2 && measured >= 2
        ? null
        : new Fault.Input(FaultCodes.CannotFit, $"{learnt} samples are there to learn from and {measured} to be measured by; expected two of each", plan.Prompts.Place);

    private Result<(double Offset, double Scale)> Spread(string source, IReadOnlyList<double> scores)
    {
        var mean = scores.Average();
        var deviation = Math.Sqrt(scores.Average(score => (score - mean) * (score - mean)));
        return deviation > 0
            ? (mean, deviation)
            : Result.Fail<(double, double)>(new Fault.Run(FaultCodes.CannotFit, FormattableString.Invariant($"'{source}' gives {mean:G6} to every sample; there is nothing to learn"), plan.Prompts.Place));
    }

    private void Say(string what, int before, int after, int all, string things)
    {
        if (before * Said / all != after * Said / all) say(FormattableString.Invariant($"{what} {after} of {all} {things}"));
    }
}
