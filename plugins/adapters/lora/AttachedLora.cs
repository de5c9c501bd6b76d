using LeapAlign.Adapters.Files;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using static TorchSharp.torch;

namespace LeapAlign.Adapters.Lora;

/// <summary>
/// Factors at work: fp32 masters that are trained, copies of them in the precision of the run that the layers compute with, and an edge between the two for each use. Values come in the order of the
/// parameters: A and B of the first layer, of the second, and so on.
/// </summary>
internal sealed class AttachedLora : ICandidateAdapters
{
    private const int OfLayer = 2;
    private readonly WeightSet _weights = new();
    private readonly List<LayerFactors> _layers = [];
    private readonly List<InUse> _uses = [];
    private readonly Device _device;
    private readonly bool _beganFromFile;
    private readonly LoraCandidates _candidates;
    private readonly IReadOnlyList<AdapterSite> _worn;

    /// <summary>Copies the factors and attaches them.</summary>
    /// <param name="sites">The layers.</param>
    /// <param name="start">Factors of each of them; they stay the caller's.</param>
    /// <param name="device">Where the factors go.</param>
    /// <param name="type">The precision of the run.</param>
    /// <param name="fromFile">Whether training goes on from factors that change the model; what it started from is then not the model alone.</param>
    /// <param name="others">Adapters that samples may wear, which it takes over, and the layers that they alone have factors for.</param>
    public AttachedLora(IReadOnlyList<AdapterSite> sites, LoraWeights start, Device device, ScalarType type, bool fromFile, (LoraCandidates Candidates, IReadOnlyList<AdapterSite> Sites)? others = null)
    {
        (Bound, _device, _beganFromFile) = (sites, device, fromFile);
        (_candidates, _worn) = others ?? (LoraCandidates.None(), []);
        foreach (var site in sites)
        {
            var factors = start.Modules[site.Name];
            _layers.Add(new LayerFactors(this, site, Declare(site, "lora_A", factors.A.shape), Declare(site, "lora_B", factors.B.shape), factors.Alpha));
        }
        _weights.Allocate(device, ScalarType.Float32);
        using (no_grad())
        {
            foreach (var (site, layer) in sites.Zip(_layers))
            {
                layer.A.Master.copy_(start.Modules[site.Name].A);
                layer.B.Master.copy_(start.Modules[site.Name].B);
            }
        }
        _weights.SetTrained(true);
        _weights.ComputeIn(type);
        Parameters = _weights.ToParameterSet();
        foreach (var (site, layer) in sites.Zip(_layers)) site.Attach(layer);
        foreach (var site in _worn) site.Attach(new WornLayer(site, _candidates));
    }

    /// <inheritdoc/>
    public ParameterSet Parameters { get; }

    /// <inheritdoc/>
    public IReadOnlyList<AdapterSite> Bound { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Candidates => _candidates.Names;

    /// <inheritdoc/>
    public long Bytes => LoraWriter.Bytes(Bound.Zip(_layers, static (site, layer) => ((long)layer.Rank, site)));

    // What was asked for last holds.
    private bool IsOff => _uses.Count > 0 && _uses[^1].Policy is null;

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> ParametersOf(AdapterSite site) => [.. Parameters.Skip(Index(site) * OfLayer).Take(OfLayer)];

    /// <inheritdoc/>
    public void Refresh() => _weights.Refresh();

    /// <inheritdoc/>
    public IDisposable Use(Policy policy) => new InUse(_uses, _weights.Use(policy));

    /// <inheritdoc/>
    public IDisposable SwitchOff() => new InUse(_uses, null);

    /// <inheritdoc/>
    public IDisposable Wear(IReadOnlyList<string> names) => _candidates.Wear(names);

    /// <inheritdoc/>
    public IDisposable? UseReference() => _beganFromFile ? null : SwitchOff();

    /// <inheritdoc/>
    public Tensor UpdateOf(AdapterSite site, IReadOnlyList<Tensor> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        using var factors = Factors(Index(site), values);
        return factors.Update().to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Result<Unit> Write(string folder, IReadOnlyList<Tensor> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var weights = new LoraWeights();
        for (var i = 0; i < Bound.Count; i++) weights.Add(Bound[i].Name, Factors(i, values));
        return WholeFolder.Write(folder, aside => LoraWriter.Write(Path.Combine(aside, LoraFile.FileName), weights));
    }

    /// <inheritdoc/>
    public Result<IReadOnlyList<Tensor>> Read(string folder)
    {
        var path = Path.Combine(folder, LoraFile.FileName);
        return LoraFile.Read(path, Bound).Bind(read =>
        {
            using (read)
            {
                var other = Bound.Zip(_layers).FirstOrDefault(pair => !read.Modules.TryGetValue(pair.First.Name, out var factors) || factors.Rank != pair.Second.Rank);
                if (other.First is not null) return new Fault.Input(FaultCodes.TensorMismatch, $"'{other.First.Name}' has no factors of rank {other.Second.Rank}", new SourcePlace(path, Key: other.First.Name));
                return Result.Ok<IReadOnlyList<Tensor>>([.. Bound.SelectMany(site => new[] { Copy(read.Modules[site.Name].A), Copy(read.Modules[site.Name].B) })]);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var site in Bound.Concat(_worn)) site.Detach();
        _weights.Dispose();
        _candidates.Dispose();
        foreach (var layer in _layers) layer.Dispose();
    }

    private Weight Declare(AdapterSite site, string name, long[] shape) => (_weights.Root / site.Name / name).Weight("weight", ParameterRole.Adapter, shape);

    private int Index(AdapterSite site)
    {
        for (var i = 0; i < Bound.Count; i++)
        {
            if (ReferenceEquals(Bound[i], site)) return i;
        }
        throw new ArgumentException($"nothing is attached to '{site.Name}'", nameof(site));
    }

    // Handles of their own, so that the values stay the caller's.
    private LoraFactors Factors(int i, IReadOnlyList<Tensor> values)
    {
        if (values.Count != Parameters.Count) throw new ArgumentException($"{values.Count} values for {Parameters.Count} parameters", nameof(values));
        using var _ = no_grad();
        return new LoraFactors(values[i * OfLayer].detach().alias(), values[(i * OfLayer) + 1].detach().alias(), _layers[i].Alpha);
    }

    private Tensor Copy(Tensor tensor)
    {
        using var _ = no_grad();
        return tensor.to(ScalarType.Float32, _device, copy: true).DetachFromDisposeScope();
    }

    /// <summary>What is added to one layer: by the factors that are trained, then by those that are worn. The latter stand behind the former, so that what a recomputation is handed says which is which.</summary>
    private sealed class LayerFactors(AttachedLora owner, AdapterSite site, Weight a, Weight b, double alpha) : ISiteAdapter, IDisposable
    {
        // Of rank 0, in the place of the trained ones where these are switched off and others worn.
        private (Tensor A, Tensor B)? _nothing;

        public Weight A => a;

        public Weight B => b;

        public double Alpha => alpha;

        public int Rank => (int)a.Shape[0];

        public IReadOnlyList<Tensor> Tensors => (owner.IsOff, owner._candidates.At(site.Name)) switch
        {
            (false, { Count: 0 }) => [a.Value, b.Value],
            (true, { Count: 0 }) => [],
            (false, var worn) => [a.Value, b.Value, .. worn],
            (true, var worn) => [Nothing(worn[0]).A, Nothing(worn[0]).B, .. worn],
        };

        // The scale is applied on the narrow side, where it costs least; that of what is worn is in B.
        public Tensor Apply(Tensor input, Tensor output, IReadOnlyList<Tensor> tensors)
        {
            using var scope = NewDisposeScope();
            var given = input.to(tensors[0].dtype);
            var trained = tensors[0].shape[0] == 0 ? output : output + nn.functional.linear(nn.functional.linear(given, tensors[0]) * (alpha / Rank), tensors[1]).to(output.dtype);
            return WornLayer.Add(given, trained, tensors, OfLayer).MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
            _nothing?.A.Dispose();
            _nothing?.B.Dispose();
        }

        private (Tensor A, Tensor B) Nothing(Tensor like)
        {
            if (_nothing is { } made) return made;
            using var _ = no_grad();
            return (_nothing = (zeros(0, site.Inputs, dtype: like.dtype, device: like.device).DetachFromDisposeScope(), zeros(site.Outputs, 0, dtype: like.dtype, device: like.device).DetachFromDisposeScope())).Value;
        }
    }

    /// <summary>What is worn at a layer that nothing is trained at.</summary>
    private sealed class WornLayer(AdapterSite site, LoraCandidates candidates) : ISiteAdapter
    {
        public IReadOnlyList<Tensor> Tensors => candidates.At(site.Name);

        public Tensor Apply(Tensor input, Tensor output, IReadOnlyList<Tensor> tensors)
        {
            using var scope = NewDisposeScope();
            return Add(input.to(tensors[0].dtype), output, tensors, 0).MoveToOuterDisposeScope();
        }

        /// <summary>Adds what pairs of factors make of an input.</summary>
        public static Tensor Add(Tensor input, Tensor output, IReadOnlyList<Tensor> tensors, int from)
        {
            for (var at = from; at < tensors.Count; at += OfLayer) output += nn.functional.linear(nn.functional.linear(input, tensors[at]), tensors[at + 1]).to(output.dtype);
            return output;
        }
    }

    /// <summary>A policy that is computed with, or none: the model without the adapter.</summary>
    private sealed class InUse : IDisposable
    {
        private readonly List<InUse> _all;

        public InUse(List<InUse> all, IDisposable? policy)
        {
            (_all, Policy) = (all, policy);
            all.Add(this);
        }

        public IDisposable? Policy { get; }

        public void Dispose()
        {
            _all.Remove(this);
            Policy?.Dispose();
        }
    }
}
