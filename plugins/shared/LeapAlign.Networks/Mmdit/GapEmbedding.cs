using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>
/// What turns a network of one time into a flow map (arXiv 2505.18825): an embedding of the gap between two times, added to that of the first. Its encoding is smooth, so that differences in the second time
/// are worth something, and its last layer begins with zeros: a new one changes no bit of the network. Weights and arithmetic are fp32 whatever the network's are.
/// </summary>
public sealed class GapEmbedding : ITrainable, IDisposable
{
    private const int Frequencies = 16, Hidden = 256;
    private const double Lowest = Math.PI / 2, Highest = 8 * Math.PI;

    private readonly WeightSet _weights = new();
    private readonly Linear _first, _second;
    private readonly List<object> _uses = [];

    /// <summary>Declares the weights.</summary>
    /// <param name="width">The width of the network's time embedding.</param>
    public GapEmbedding(long width)
    {
        var scope = _weights.Root / "gap_embedder";
        _first = new Linear(scope / "linear_1", 2 * Frequencies, Hidden);
        _second = new Linear(scope / "linear_2", Hidden, width);
    }

    /// <summary>The file that it was read from; null where it began with zeros.</summary>
    public string? File { get; private set; }

    /// <summary>The weights, for files.</summary>
    public IReadOnlyList<Weight> Weights => _weights.All;

    /// <inheritdoc/>
    public ParameterSet Parameters => _weights.ToParameterSet();

    /// <summary>Begins with a first layer that is the same in every run, and a last one of zeros.</summary>
    public void Begin(Device device)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _weights.Allocate(device, ScalarType.Float32);
        foreach (var weight in _weights.All) weight.Master.zero_();
        if (device.type != TorchSharp.DeviceType.META)
        {
            var first = _weights.All[0];
            first.Master.copy_(RandomKey.OfRun(0).For("gap").For("linear_1").Normal([.. first.Shape], CPU) / Math.Sqrt(first.Shape[1]));
        }
        File = null;
        Train();
    }

    /// <summary>Goes on from a file.</summary>
    /// <returns>The fault of a file that is none of this embedding.</returns>
    public Result<Unit> Load(IWeightSource source, Device device) => _weights.Load(source, device, ScalarType.Float32).Map(unit =>
    {
        File = source.Location;
        Train();
        return unit;
    });

    /// <summary>The embedding of gaps.</summary>
    /// <param name="gaps">s − t of each sample, [B], fp32; 0 on the diagonal.</param>
    /// <returns>[B, width], fp32; null while the network computes as before it had one.</returns>
    public Tensor? Forward(Tensor gaps)
    {
        ArgumentNullException.ThrowIfNull(gaps);
        if (_uses.Count > 0 && _uses[^1] is Off) return null;
        using var scope = NewDisposeScope();
        return _second.Forward(Activation.Silu(_first.Forward(Encode(gaps)))).MoveToOuterDisposeScope();
    }

    /// <summary><c>[cos(ω_0 g).., sin(ω_0 g)..]</c>, with 16 ω from π/2 to 8π, each the same factor above the one before.</summary>
    /// <param name="gaps">[B], fp32.</param>
    /// <returns>[B, 32], fp32.</returns>
    public static Tensor Encode(Tensor gaps)
    {
        ArgumentNullException.ThrowIfNull(gaps);
        using var scope = NewDisposeScope();
        float[] frequencies = [.. Enumerable.Range(0, Frequencies).Select(static number => (float)(Lowest * Math.Pow(Highest / Lowest, number / (Frequencies - 1.0))))];
        var angles = gaps.unsqueeze(1) * tensor(frequencies, dtype: ScalarType.Float32, device: gaps.device);
        return cat([angles.cos(), angles.sin()], 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Refresh() => _weights.Refresh();

    /// <inheritdoc/>
    public IDisposable Use(Policy policy) => new InUse(_uses, _weights.Use(policy));

    /// <inheritdoc/>
    /// <remarks>What began with zeros adds nothing; what went on from a file needs a copy.</remarks>
    public IDisposable? UseReference() => File is null ? new Off(_uses) : null;

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();

    private void Train()
    {
        _weights.SetTrained(true);
        _weights.ComputeIn(ScalarType.Float32);
    }

    // What was asked for last holds.
    private class InUse : IDisposable
    {
        private readonly List<object> _all;
        private readonly IDisposable? _policy;

        public InUse(List<object> all, IDisposable? policy)
        {
            (_all, _policy) = (all, policy);
            all.Add(this);
        }

        public void Dispose()
        {
            _all.Remove(this);
            _policy?.Dispose();
        }
    }

    private sealed class Off(List<object> all) : InUse(all, null);
}
