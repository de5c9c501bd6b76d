using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting;

/// <summary>
/// Solves for the last layer of a reward that was fitted. The captions that choose its penalty are set aside from the beginning: what the layers before it had learnt from them, they would tell too well.
/// </summary>
internal sealed class LastLayerSolution
{
    private readonly FitOptions _options;
    private readonly IReadOnlyList<string> _captions;
    private readonly HashSet<string> _aside;
    private readonly List<(Tensor Inputs, Tensor Targets)> _heldOut = [];
    private (RidgeLayer Layer, Tensor Inputs, Tensor Targets)? _solved;

    private LastLayerSolution(FitOptions options, IReadOnlyList<string> captions, HashSet<string> aside) => (_options, _captions, _aside) = (options, captions, aside);

    /// <summary>Sets captions aside.</summary>
    /// <param name="options">The batch, and the share of captions.</param>
    /// <param name="random">Draws them.</param>
    /// <param name="fit">What is fitted.</param>
    /// <param name="captions">Of each sample that there is to learn from.</param>
    /// <returns>LA5031 where it has no such layer, or there is one caption.</returns>
    public static Result<LastLayerSolution> Of(FitOptions options, RandomKey random, IRewardFit fit, IReadOnlyList<string> captions)
    {
        if (fit is not ILastLayerFit) return new Fault.Composition(FaultCodes.CannotFit, $"the reward '{options.Reward}' has no last layer to solve for; leave {FitOptions.RidgeOption} out", new SourcePlace(FitOptions.RidgeOption));
        var all = captions.Distinct(StringComparer.Ordinal).ToArray();
        if (all.Length < 2) return new Fault.Input(FaultCodes.CannotFit, "one caption is there to learn from, and the penalty is chosen by others than the layer learns from; take more captions", new SourcePlace(FitOptions.RidgeOption));
        var count = Math.Clamp((int)Math.Ceiling(all.Length * options.HeldOut), 1, all.Length - 1);
        return new LastLayerSolution(options, captions, random.For("ridge").Open().Shuffle(all).Take(count).ToHashSet(StringComparer.Ordinal));
    }

    /// <summary>Whether a caption is set aside.</summary>
    public bool IsAside(string caption) => _aside.Contains(caption);

    /// <summary>Which rows are set aside: the noise levels of the first sample come first, then those of the second, and so on.</summary>
    public IReadOnlyList<bool> Aside(FitRows rows)
    {
        var levels = rows.Count / _captions.Count;
        return [.. Enumerable.Range(0, rows.Count).Select(row => IsAside(_captions[row / levels]))];
    }

    /// <summary>Solves, and puts the layer in the place of the one that was learnt.</summary>
    /// <param name="fit">What was fitted, to the rows that are not set aside.</param>
    /// <param name="rows">All rows.</param>
    /// <param name="spread">Of the scores.</param>
    /// <param name="device">Where tensors live.</param>
    public Result<RidgeLayer> Solve(IRewardFit fit, FitRows rows, (double Offset, double Scale) spread, Device device)
    {
        var layered = (ILastLayerFit)fit;
        using var scope = NewDisposeScope();
        var (inputs, targets) = Numbers(layered, rows, spread, device);
        return RidgeLayer.Of(inputs, targets, Aside(rows)).Map(solved =>
        {
            if (_options.Effects is not null) _solved = (solved with { Weights = solved.Weights.clone().MoveToOuterDisposeScope() }, inputs.MoveToOuterDisposeScope(), targets.MoveToOuterDisposeScope());
            using (solved.Weights) layered.SetLastLayer(solved.Weights.to(ScalarType.Float32), solved.Intercept);
            return solved;
        });
    }

    /// <summary>Takes rows that the layer was not fitted to, for <see cref="Effects"/>.</summary>
    /// <inheritdoc cref="Solve"/>
    public void Judge(IRewardFit fit, FitRows rows, (double Offset, double Scale) spread, Device device)
    {
        if (_options.Effects is not null) _heldOut.Add(Numbers((ILastLayerFit)fit, rows, spread, device));
    }

    /// <summary>What the weight of each sample does to the squared error of the rows that were taken (<see cref="RowEffects"/>), all noise levels of a sample together.</summary>
    /// <param name="scale">The unit of the targets: errors are told in that of the scores.</param>
    /// <returns>One for each sample that there was to learn from, in order.</returns>
    public Result<IReadOnlyList<double>> Effects(double scale)
    {
        var (layer, inputs, targets) = _solved!.Value;
        using var scope = NewDisposeScope();
        return RowEffects.Of(layer, (inputs, targets), (cat([.. _heldOut.Select(static rows => rows.Inputs)]), cat([.. _heldOut.Select(static rows => rows.Targets)])))
            .Map(effects => (IReadOnlyList<double>)[.. effects.Chunk(effects.Length / _captions.Count).Select(levels => levels.Sum() * scale * scale)]);
    }

    // What goes into the last layer, and what should come out.
    private (Tensor Inputs, Tensor Targets) Numbers(ILastLayerFit fit, FitRows rows, (double Offset, double Scale) spread, Device device)
    {
        using var scope = NewDisposeScope();
        List<Tensor> inputs = [];
        foreach (var chunk in Enumerable.Range(0, rows.Count).Chunk(_options.Batch))
            inputs.Add(fit.LastInputs(rows.Features(chunk), [.. chunk.Select(row => rows.Sigmas[row])]).to(ScalarType.Float64));
        var targets = tensor([.. rows.Scores.Select(score => (score - spread.Offset) / spread.Scale)], dtype: ScalarType.Float64, device: device);
        return (cat(inputs).MoveToOuterDisposeScope(), targets.MoveToOuterDisposeScope());
    }
}
