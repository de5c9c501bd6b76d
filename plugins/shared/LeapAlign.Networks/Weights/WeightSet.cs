using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Quantization;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// All weights of one network, in the order of declaration. Building the network declares them (no memory is used); then they are loaded from a file,
/// or allocated on any device, "meta" included.
/// </summary>
public sealed class WeightSet : IDisposable
{
    private static readonly string[] Ignored = ["position_ids", "attn_mask"];
    private static readonly ScalarType[] s_types = [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16];
    private readonly Dictionary<string, Weight> _byName = [];
    private readonly List<Weight> _weights = [];
    private readonly List<AdapterSite> _sites = [];
    private readonly List<PolicyUse> _uses = [];
    private ScalarType _computeType = ScalarType.Float32;
    private readonly List<IWeightSource> _sources = [];
    private readonly UnpackBuffers _buffers = new();

    /// <summary>The scope without prefix.</summary>
    public WeightScope Root => new(this, "");

    /// <summary>Every weight, in the order of declaration.</summary>
    public IReadOnlyList<Weight> All => _weights;

    /// <summary>Every weight that can be trained, in the order of declaration.</summary>
    public IReadOnlyList<Weight> Parameters => [.. _weights.Where(weight => !weight.IsBuffer)];

    /// <summary>How many numbers the weights have that can be trained.</summary>
    public long Numbers => _weights.Where(static weight => !weight.IsBuffer).Sum(static weight => weight.Shape.Aggregate(1L, static (product, size) => product * size));

    /// <summary>The bytes that they take where they lie.</summary>
    public long Bytes => _weights.Sum(static weight => weight.Bytes);

    /// <summary>The trained weights for a run, in the order of <see cref="Parameters"/>.</summary>
    public ParameterSet ToParameterSet() => new(Parameters.Select(static weight => new Parameter(weight.Name, weight.Role, weight.Master)));

    /// <summary>The linear layers that adapters may be attached to, in the order of declaration.</summary>
    public IReadOnlyList<AdapterSite> Sites => _sites;

    internal AdapterSite Declare(AdapterSite site)
    {
        _sites.Add(site);
        return site;
    }

    internal Weight Declare(string name, long[] shape, bool isBuffer, ParameterRole? role = null)
    {
        var weight = new Weight(this, name, shape, isBuffer, role);
        if (!_byName.TryAdd(name, weight)) throw new InvalidOperationException($"weight '{name}' is declared twice");
        _weights.Add(weight);
        return weight;
    }

    /// <summary>Loads every weight, checking names and shapes first, so that nothing is half-loaded for a wrong file.</summary>
    /// <param name="source">The file or shards.</param>
    /// <param name="home">Where the network computes, and where its weights lie: a device, or the machine's memory beside one.</param>
    /// <param name="type">The precision in which they are kept: fp32 for trained weights, the compute type for frozen ones.</param>
    /// <param name="rename">
    /// Maps a name in the file to the declared name, where libraries disagree, or to null, where the network has no use for the tensor; null leaves names as they are. Names of one tied tensor may map to the
    /// same; they have to hold the same, and the tensor is read once, under its declared name if the file has that.
    /// </param>
    /// <param name="keeping">Where weights that are not trained lie; those that lie on another device than the CPU are copied there whatever it is.</param>
    /// <param name="quantized">Weights in fewer bits, for some of the network's; null for none.</param>
    /// <returns>A fault that names the first missing, unexpected or misshapen tensor and counts the others.</returns>
    public Result<Unit> Load(
        IWeightSource source, WeightHome home, ScalarType type, Func<string, string?>? rename = null, WeightKeeping keeping = WeightKeeping.Owned, QuantizedSource? quantized = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(home);
        var named = source.Entries.Keys
            .Where(name => !Ignored.Any(ignored => name.EndsWith(ignored, StringComparison.Ordinal)))
            .Select(name => (Name: name, Declared: rename is null ? name : rename(name)))
            .Where(static pair => pair.Declared is not null)
            .GroupBy(static pair => pair.Declared!, static pair => pair.Name).ToArray();
        var declaredNames = named.ToDictionary(static names => names.Key, static names => names.Contains(names.Key) ? names.Key : names.First());
        if (Check(source, declaredNames) is { } wrong) return wrong;
        if (!TiedNames.Agree(source, named.Where(static names => names.Count() > 1)).TryGet(out _, out var untied)) return untied;
        _sources.Add(source);
        if (quantized is not null)
        {
            var loaded = quantized([.. _weights.Where(static weight => weight.IsQuantisable).Select(weight => (weight, declaredNames[weight.Name]))]).Bind(opened =>
            {
                using (opened.Source) return LoadQuantized(opened.Source, opened.Form, home);
            });
            if (!loaded.TryGet(out _, out var refused)) return refused;
        }
        foreach (var weight in _weights)
        {
            var fileName = declaredNames[weight.Name];
            var fileType = source.Entries[fileName].Type;
            if (weight.IsQuantised)
            {
                (weight.FileName, weight.FileType) = (fileName, fileType);
                continue;
            }
            var stays = keeping != WeightKeeping.Owned && home.TakesFiles && (weight.IsBuffer || fileType == type || keeping == WeightKeeping.Converted);
            if (!(stays ? source.Map(fileName) : source.Read(fileName)).TryGet(out var tensor, out var fault)) return fault;
            weight.FileName = fileName;
            weight.FileType = fileType;
            if (stays)
            {
                weight.Store(tensor, home, convertsAtUse: keeping == WeightKeeping.Converted);
                continue;
            }
            using (tensor) weight.Store(Converted(tensor, weight.IsBuffer ? ScalarType.Float32 : type, home.Stored), home);
        }
        return Unit.Value;
    }

    /// <summary>Looks whether the files that the network computes with where they lie are what they were when they were opened. Call it before the network is evaluated.</summary>
    /// <exception cref="FaultException">One was cut short, or written to.</exception>
    public void RequireFiles()
    {
        foreach (var source in _sources)
        {
            if (!source.CheckMapped().TryGet(out _, out var fault)) throw new FaultException(fault);
        }
    }

    /// <summary>Makes every weight without content: for shape checks on the "meta" device, or before filling them.</summary>
    public void Allocate(Device device, ScalarType type)
    {
        foreach (var weight in _weights) weight.Store(empty([.. weight.Shape], dtype: weight.IsBuffer ? ScalarType.Float32 : type, device: device), device);
    }

    /// <summary>Marks the parameters as trained, or frozen. Call <see cref="Refresh"/> afterwards.</summary>
    public void SetTrained(bool trained)
    {
        foreach (var weight in Parameters) weight.Train(trained);
    }

    /// <summary>Chooses the precision of the network's arithmetic and makes the copies it needs.</summary>
    public void ComputeIn(ScalarType type)
    {
        _computeType = type;
        Refresh();
    }

    /// <summary>
    /// Makes the compute copies anew from the masters: after every optimizer step. The weights that stand in their place, where there are such, stay.
    /// </summary>
    public void Refresh()
    {
        foreach (var weight in _weights) weight.Refresh(_computeType);
    }

    /// <summary>
    /// Computes with other values for the parameters (a moving average) until the returned object is disposed; then with what was there before, whether that
    /// is the masters or another policy. The values are cast once, as long as the policy does not move.
    /// </summary>
    /// <param name="policy">One value for each of <see cref="Parameters"/>, in order.</param>
    public IDisposable Use(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var parameters = Parameters;
        if (policy.Values.Count != parameters.Count) throw new ArgumentException($"'{policy.Name}' has {policy.Values.Count} values for {parameters.Count} parameters", nameof(policy));
        return Use(policy.Derived(this, () => new Copies([.. parameters.Select((weight, i) => weight.Copy(policy.Values[i], _computeType))])).Values);
    }

    /// <summary>Keeps weights as they are now, for <see cref="KeptWeights.Use"/>.</summary>
    /// <param name="weights">Those that will be computed with.</param>
    /// <returns>What the caller disposes.</returns>
    public KeptWeights Keep(IReadOnlyList<Weight> weights) => new(this, weights, _computeType);

    internal IDisposable Use(Tensor?[] values)
    {
        var use = new PolicyUse(this, values);
        _uses.Add(use);
        Apply();
        return use;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _uses.Clear();
        _sources.Clear();
        foreach (var weight in _weights) weight.Release();
        _buffers.Dispose();
    }

    private Result<Unit> LoadQuantized(IWeightSource source, Quantization.Quantization form, WeightHome home)
    {
        _sources.Add(source);
        foreach (var weight in _weights.Where(static weight => weight.IsQuantisable))
        {
            var parts = new List<Tensor>();
            foreach (var part in form.Parts(weight.Shape[0], weight.Shape[1]))
            {
                var name = weight.Name + part.Suffix;
                if (source.Entries.GetValueOrDefault(name) is not { } entry || entry.Type != part.Type || !entry.Shape.SequenceEqual(part.Shape))
                    return new Fault.Input(FaultCodes.TensorMismatch, $"tensor '{name}' is not as this version keeps quantised weights; delete the file, and it is made again", new SourcePlace(source.Location));
                if (!(home.TakesFiles ? source.Map(name) : source.Read(name)).TryGet(out var tensor, out var fault)) return fault;
                parts.Add(home.TakesFiles ? tensor : tensor.to(home.Device));
                if (!home.TakesFiles) tensor.Dispose();
            }
            weight.Store(new QuantizedWeight(form, weight.Shape, parts, _buffers, home));
        }
        return Unit.Value;
    }

    // The last policy that is still in use holds.
    private void Apply()
    {
        var values = _uses.Count == 0 ? null : _uses[^1].Values;
        var parameters = Parameters;
        for (var i = 0; i < parameters.Count; i++) parameters[i].Substitute(values?[i]);
    }

    // To another device it goes in the type of the file, and becomes the other there: a bf16 file would be twice as large on its way.
    private static Tensor Converted(Tensor read, ScalarType type, Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU) return read.to(type, device, copy: true);
        var there = read.to(device);
        if (there.dtype == type) return there;
        using (there) return there.to(type);
    }

    private Fault? Check(IWeightSource source, Dictionary<string, string> fileNames)
    {
        var missing = _weights.Where(weight => !fileNames.ContainsKey(weight.Name)).Select(weight => weight.Name).ToList();
        if (missing.Count > 0)
            return new Fault.Input(FaultCodes.TensorMismatch, $"tensor '{missing[0]}' is missing{Others(missing.Count)}", new SourcePlace(source.Location));
        var unexpected = fileNames.Where(pair => !_byName.ContainsKey(pair.Key)).Select(pair => pair.Value).ToList();
        if (unexpected.Count > 0)
            return new Fault.Input(FaultCodes.TensorMismatch, $"tensor '{unexpected[0]}' is not part of this model{Others(unexpected.Count)}", new SourcePlace(source.Location));
        foreach (var weight in _weights)
        {
            var (type, shape) = source.Entries[fileNames[weight.Name]];
            if (!s_types.Contains(type))
                return new Fault.Input(FaultCodes.TensorMismatch, $"tensor '{fileNames[weight.Name]}' holds {type}, but a weight is one of {string.Join(", ", s_types)}: quantised weights are not read", new SourcePlace(source.Location));
            if (!shape.SequenceEqual(weight.Shape))
                return new Fault.Input(FaultCodes.ShapeMismatch, $"tensor '{weight.Name}' is [{string.Join(", ", shape)}], but config.json makes it [{string.Join(", ", weight.Shape)}]", new SourcePlace(source.Location));
        }
        return null;
    }

    private static string Others(int count) => count > 1 ? $" (and {count - 1} more)" : "";

    private sealed class Copies(Tensor[] values) : IDisposable
    {
        public Tensor[] Values => values;

        public void Dispose()
        {
            foreach (var value in values) value.Dispose();
        }
    }

    private sealed class PolicyUse(WeightSet set, Tensor?[] values) : IDisposable
    {
        public Tensor?[] Values => values;

        public void Dispose()
        {
            if (set._uses.Remove(this)) set.Apply();
        }
    }
}
