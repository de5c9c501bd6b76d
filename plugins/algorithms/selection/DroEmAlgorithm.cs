using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection;

/// <summary>
/// Direct retrieval-augmented optimisation (Shi and others 2025, arXiv 2505.03075) with a flow model in the place of the generator: a selector picks candidates z for a caption x, fragments that are written behind it or adapters, the model draws y under them, and both are
/// trained for <c>ln p(y | x) = ln Σ_z p(z | x) p(y | x, z)</c>. Selections are drawn and weighed by what they make of the evidence; then both descend <c>−Σ w ln p(z | x)</c> and <c>−Σ w ln p(y | x, z)</c> with draws and weights as
/// they are. The flow-matching error stands for the likelihood of a picture, a reward over a temperature for that of one that is drawn.
/// </summary>
public sealed class DroEmAlgorithm : IAlgorithm, IConditioningSource, IStateful, IDisposable
{
    private const string Waiting = "iteration";

    private readonly DroEmSettings _settings;
    private readonly Candidates _candidates;
    private readonly Selector _selector;
    private readonly EvidenceDraws _draws;

    private DroEmAlgorithm(DroEmSettings settings, Candidates candidates, Device device) =>
        (_settings, _candidates, _selector, _draws) = (settings, candidates, new Selector(candidates.Count, settings.Features, device), new EvidenceDraws(settings));

    /// <summary>Makes one whose candidates can be picked from.</summary>
    /// <param name="name">Its name in the run.</param>
    /// <param name="settings">Its settings.</param>
    /// <param name="device">Where the selector computes.</param>
    /// <returns><see cref="FaultCodes.SettingsDoNotFit"/> where there are too few candidates, one is blank or there twice, or too much would be skipped.</returns>
    public static Result<DroEmAlgorithm> Of(string name, DroEmSettings settings, Device device)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(device);
        var candidates = new Candidates(settings);
        return settings switch
        {
            _ when candidates.Wrong() is { } wrong => Misfit(wrong),
            _ when settings.Skip * settings.Samples * 2 >= 1 => Misfit(FormattableString.Invariant($"skip is {settings.Skip} with {settings.Samples} samples, and would leave selections out that are as good as the others; it has to be below {0.5 / settings.Samples}")),
            _ => new DroEmAlgorithm(settings, candidates, device),
        };

        Result<DroEmAlgorithm> Misfit(string message) => new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{name}: {message}");
    }

    /// <inheritdoc/>
    public IReadOnlyList<PolicyCopy> Copies => _settings.Iteration > 1 ? [new PolicyCopy(Waiting, step => (step + 1) % _settings.Iteration == 0 ? 0 : 1)] : [];

    /// <inheritdoc/>
    public ParameterSet Parameters => _settings.Train == TrainedPlayers.Generator ? ParameterSet.Empty : _selector.Parameters;

    /// <inheritdoc/>
    public bool TrainsModel => _settings.Train != TrainedPlayers.Selector;

    /// <inheritdoc/>
    public double? ParameterRate => _settings.SelectorRate;

    /// <inheritdoc/>
    public int StateVersion => 1;

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => _candidates.Check(shape).Bind(_ => _draws.Check(shape));

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Write(IReadOnlyList<string> captions, Tensor embeddings)
    {
        ArgumentNullException.ThrowIfNull(captions);
        return [.. captions.Zip(_selector.Now(embeddings), (caption, scores) => _candidates.Written(caption, PlackettLuce.Best(scores, _settings.Picks)))];
    }

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<string>>? Wear(IReadOnlyList<string> captions, Tensor embeddings)
    {
        ArgumentNullException.ThrowIfNull(captions);
        IReadOnlyList<string>[] worn = [.. _selector.Now(embeddings).Select(scores => _candidates.Worn(PlackettLuce.Best(scores, _settings.Picks))).OfType<IReadOnlyList<string>>()];
        return worn.Length == 0 ? null : worn;
    }

    /// <inheritdoc/>
    public PartState Save() => _selector.Save(StateVersion);

    /// <inheritdoc/>
    public Result<Unit> Load(PartState state) => _selector.Load(state);

    /// <inheritdoc/>
    public void Dispose() => _selector.Dispose();

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        if (step.Index % _settings.Iteration == 0) _selector.Copy(step.Index);
        foreach (var batch in step.Batches)
        {
            var expected = Expect(step, batch);
            if (_settings.Train != TrainedPlayers.Generator) yield return Selected(expected).Times(1.0 / step.Batches.Count).From(batch);
            if (_settings.Train == TrainedPlayers.Selector) continue;
            for (var selection = 0; selection < _settings.Samples; selection++)
            {
                int[] places = [.. Enumerable.Range(0, batch.Prompts.Count).Where(place => expected.Weights[place][selection] is > 0 and var weight && weight >= _settings.Skip)];
                if (places.Length == 0) continue;
                var under = expected.Under[selection].Select(places);
                for (var time = 0; time < _settings.Timesteps; time++) yield return Drawn(expected, (selection, time), places, under).Times(1.0 / step.Batches.Count).From(batch);
            }
        }
    }

    // The expectation: selections, and what the evidence says of them.
    private Expectation Expect(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var embeddings = step.Keep(batch.Captions().clone());
        var scores = _selector.Drawing(embeddings);
        var randoms = batch.Samples.Select(sample => batch.StepKey.For("sample", sample).For("algorithm").For("selections").Open()).ToList();
        // picks[selection][place].
        int[][][] picks = [.. Enumerable.Range(0, _settings.Samples).Select(_ => scores.Zip(randoms, (own, random) => PlackettLuce.Draw(own, _settings.Picks, random)).ToArray())];
        MicroBatch[] under = [.. picks.Select(each => _candidates.Under(batch, each))];
        using var used = _settings.Iteration > 1 ? step.Use(Waiting) : null;
        var (clean, logarithms, rewards) = _settings.Evidence == EvidenceSource.Pictures ? _draws.OfPictures(step, batch, under) : _draws.Online(step, batch, under);
        Evidence?[] evidence = [.. Enumerable.Range(0, scores.Length).Select(place => Of([.. logarithms.Select(each => each[place])]))];
        return new Expectation(embeddings, picks, under, clean, [.. evidence.Select(each => each?.Weights ?? new double[_settings.Samples])], Measured(picks, evidence, rewards));
    }

    // A score that is missing says nothing about its selection.
    private Evidence? Of(double[] logarithms)
    {
        var least = _settings.Effective * _settings.Samples;
        if (_settings.Evidence == EvidenceSource.Pictures || !logarithms.Any(double.IsNaN)) return Evidence.Of(logarithms, least);
        int[] present = [.. Enumerable.Range(0, logarithms.Length).Where(place => !double.IsNaN(logarithms[place]))];
        if (present.Length == 0) return null;
        var found = Evidence.Of([.. present.Select(place => logarithms[place])], Math.Min(least, present.Length));
        var weights = new double[logarithms.Length];
        foreach (var (place, weight) in present.Zip(found.Weights)) weights[place] = weight;
        return found with { Weights = weights };
    }

    private List<Measurement> Measured(int[][][] picks, Evidence?[] evidence, Tensor? rewards)
    {
        List<Measurement> measured = [];
        Evidence[] found = [.. evidence.OfType<Evidence>()];
        if (found.Length > 0)
        {
            measured.Add(new("marginal", tensor(found.Select(static each => each.Marginal).ToArray())));
            measured.Add(new("effective", tensor(found.Select(static each => each.Effective).ToArray())));
            measured.Add(new("flattened", tensor(found.Select(static each => each.Share).ToArray())));
            measured.Add(Measurement.Choice(_candidates.Kind, tensor(evidence.Select(static (each, place) => (each, place)).Where(static pair => pair.each is not null)
                .Select(pair => (long)picks[pair.each!.Weights.IndexOf(pair.each.Weights.Max())][pair.place][0]).ToArray())));
        }
        if (rewards is not null) measured.Add(new("reward", rewards));
        foreach (var each in measured) each.Value.MoveToOuterDisposeScope();
        return measured;
    }

    // −Σ w ln p(z | x), a mean over samples.
    private Objective Selected(Expectation of)
    {
        var scores = _selector.Scores(of.Embeddings).to(ScalarType.Float64);
        var losses = of.Picks.Select((each, selection) =>
        {
            var picks = tensor(each.SelectMany(static own => own.Select(static pick => (long)pick)).ToArray(), device: scores.device).reshape(each.Length, -1);
            return PlackettLuce.LogProbability(scores, picks) * -tensor(of.Weights.Select(weights => weights[selection]).ToArray(), device: scores.device);
        });
        var loss = stack([.. losses]).sum([0L]);
        return new Objective(loss.mean().to(ScalarType.Float32), [.. of.Taken(), new("selector_loss", loss.detach())]);
    }

    // Σ w mean_q e(y; c_z), the share of one selection and time, over the samples of the micro-batch.
    private Objective Drawn(Expectation of, (int Selection, int Time) at, int[] places, MicroBatch under)
    {
        var noised = _draws.Noised(under, stack([.. places.Select(place => of.Clean[Math.Min(at.Selection, of.Clean.Count - 1)][place])]), at.Time);
        var errors = SampleErrors.Square(PolicyVelocity.Of(noised, under, guided: false), noised.Target);
        var weights = tensor(places.Select(place => of.Weights[place][at.Selection]).ToArray(), device: errors.device);
        var loss = (errors * weights).sum() * (_settings.GeneratorScale / (of.Weights.Length * _settings.Timesteps));
        return new Objective(loss.to(of.Clean[0].dtype), [.. of.Taken(), new("error", errors.detach())]);
    }

    // Latents: one for all selections, or one for each. Weights: of each sample, then of each selection. What was measured stands with the first loss.
    private sealed record Expectation(Tensor Embeddings, int[][][] Picks, MicroBatch[] Under, IReadOnlyList<Tensor> Clean, double[][] Weights, List<Measurement> Measured)
    {
        public List<Measurement> Taken()
        {
            List<Measurement> taken = [.. Measured];
            Measured.Clear();
            return taken;
        }
    }
}
