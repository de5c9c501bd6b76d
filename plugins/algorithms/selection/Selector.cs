using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection;

/// <summary>
/// Scores of candidates for a caption, a linear head on fixed random directions of its embedding, and the copy of the head that draws. All scores are 0 at the beginning: every selection is as likely.
/// </summary>
internal sealed class Selector : IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly Tensor _drawingWeight;
    private readonly Tensor _drawingBias;
    private Tensor? _directions;
    private int _copiedAt = -1;

    /// <summary>A selector that prefers nothing.</summary>
    /// <param name="candidates">N.</param>
    /// <param name="features">F.</param>
    /// <param name="device">Where it computes.</param>
    public Selector(int candidates, int features, Device device)
    {
        _weight = zeros(candidates, features, dtype: ScalarType.Float32, device: device).requires_grad_().DetachFromDisposeScope();
        _bias = zeros(candidates, dtype: ScalarType.Float32, device: device).requires_grad_().DetachFromDisposeScope();
        (_drawingWeight, _drawingBias) = (_weight.detach().clone().DetachFromDisposeScope(), _bias.detach().clone().DetachFromDisposeScope());
        Parameters = new(
        [
            .. features > 0 ? [new Parameter("selector.weight", ParameterRole.Matrix, _weight)] : Array.Empty<Parameter>(),
            new Parameter("selector.bias", ParameterRole.Bias, _bias),
        ]);
    }

    /// <summary>What is trained.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Scores with gradient, [B, N].</summary>
    /// <param name="embeddings">[B, width].</param>
    public Tensor Scores(Tensor embeddings) => Scores(embeddings, _weight, _bias);

    /// <summary>Scores of the copy that draws, sample by sample.</summary>
    /// <param name="embeddings">[B, width].</param>
    public double[][] Drawing(Tensor embeddings) => Rows(Scores(embeddings, _drawingWeight, _drawingBias));

    /// <summary>Scores as they are now, sample by sample.</summary>
    /// <param name="embeddings">[B, width].</param>
    public double[][] Now(Tensor embeddings) => Rows(Scores(embeddings));

    /// <summary>Draws from now on by what was learnt until a step. A step that is made again draws as it did.</summary>
    /// <param name="step">The step.</param>
    public void Copy(int step)
    {
        if (step == _copiedAt) return;
        using var _ = no_grad();
        _drawingWeight.copy_(_weight);
        _drawingBias.copy_(_bias);
        _copiedAt = step;
    }

    /// <summary>The copy that draws, as a state.</summary>
    public PartState Save(int version) => new(version, [new NamedTensor("drawing.weight", _drawingWeight), new NamedTensor("drawing.bias", _drawingBias)]);

    /// <summary>Takes a state over.</summary>
    public Result<Unit> Load(PartState state) =>
        from weight in state.CopyTo("drawing.weight", _drawingWeight)
        from bias in state.CopyTo("drawing.bias", _drawingBias)
        select Unit.Value;

    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
        _drawingWeight.Dispose();
        _drawingBias.Dispose();
        _directions?.Dispose();
    }

    private Tensor Scores(Tensor embeddings, Tensor weight, Tensor bias)
    {
        if (weight.shape[1] == 0) return bias.expand(embeddings.shape[0], -1);
        // Directions of an embedding, whatever its length: a number of them is of order one.
        var lengths = embeddings.square().sum([1L], keepdim: true).sqrt().clamp_min(1e-12);
        return (embeddings / lengths).matmul(Directions(embeddings.shape[1], weight)).matmul(weight.t()) + bias;
    }

    // The same for every run and every model of that width.
    private Tensor Directions(long width, Tensor like) => _directions ??= RandomKey.OfRun(0).For("selector").For("directions").Normal([width, like.shape[1]], like.device).DetachFromDisposeScope();

    private static double[][] Rows(Tensor scores)
    {
        using var scope = NewDisposeScope();
        return [.. scores.detach().to(ScalarType.Float64).cpu().unbind(0).Select(static row => row.contiguous().data<double>().ToArray())];
    }
}
