using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting;

/// <summary>What a reward looks at of samples at noise levels, kept for the whole fit, with what it is to learn: a score, or a second row that is not preferred.</summary>
/// <param name="type">The type in which features are kept: that of the network's arithmetic, which they come from.</param>
internal sealed class FitRows(ScalarType type) : IDisposable
{
    private readonly List<Tensor> _features = [];
    private readonly List<Tensor> _rejected = [];

    /// <summary>The noise level of each row.</summary>
    public List<double> Sigmas { get; } = [];

    /// <summary>The score of each row; empty where rows are pairs.</summary>
    public List<double> Scores { get; } = [];

    /// <summary>How many there are.</summary>
    public int Count => Sigmas.Count;

    /// <summary>Whether rows are pairs.</summary>
    public bool ArePairs => _rejected.Count > 0;

    /// <summary>Adds a sample.</summary>
    /// <param name="features">[n]; copied.</param>
    /// <param name="sigma">Its noise level.</param>
    /// <param name="score">Its score.</param>
    public void Add(Tensor features, double sigma, double score)
    {
        _features.Add(Kept(features));
        Sigmas.Add(sigma);
        Scores.Add(score);
    }

    /// <summary>Adds a pair.</summary>
    /// <param name="preferred">[n]; copied.</param>
    /// <param name="rejected">[n]; copied.</param>
    /// <param name="sigma">The noise level of both.</param>
    public void Add(Tensor preferred, Tensor rejected, double sigma)
    {
        _features.Add(Kept(preferred));
        _rejected.Add(Kept(rejected));
        Sigmas.Add(sigma);
    }

    /// <summary>The features of rows, [B, n], fp32.</summary>
    public Tensor Features(IEnumerable<int> rows) => Stacked(_features, rows);

    /// <summary>The features of what is not preferred, [B, n], fp32.</summary>
    public Tensor Rejected(IEnumerable<int> rows) => Stacked(_rejected, rows);

    public void Dispose()
    {
        foreach (var tensor in _features.Concat(_rejected)) tensor.Dispose();
    }

    private Tensor Kept(Tensor features) => features.detach().to(type, copy: true).DetachFromDisposeScope();

    private static Tensor Stacked(List<Tensor> all, IEnumerable<int> rows)
    {
        using var scope = NewDisposeScope();
        return stack(rows.Select(row => all[row])).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
