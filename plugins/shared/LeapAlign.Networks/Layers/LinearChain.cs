using System.Globalization;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>
/// The head of a reward: linear layers one after the other, without activation between them, down to one number. Its file says how many and how wide they are: tensors
/// <c>layers.N.weight</c> and <c>layers.N.bias</c> with rising N. It computes in fp32 whatever the network before it computes in (fp64 in fp64): a score is a small number.
/// </summary>
public sealed class LinearChain : IDisposable
{
    private readonly WeightSet _weights = new();
    private readonly Linear[] _layers;

    private LinearChain(string prefix, IEnumerable<(int Index, long Inputs, long Outputs)> layers)
    {
        var scope = prefix.Split('.', StringSplitOptions.RemoveEmptyEntries).Aggregate(_weights.Root, static (scope, module) => scope / module) / "layers";
        _layers = [.. layers.Select(layer => new Linear(scope / layer.Index, layer.Inputs, layer.Outputs))];
    }

    /// <summary>Reads a head.</summary>
    /// <param name="source">The file.</param>
    /// <param name="prefix">What names begin with: empty, or <c>mlp.</c>.</param>
    /// <param name="inputs">The width of the features that it takes.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="type">The precision of the network before it.</param>
    /// <returns>A fault that names the first tensor that is missing or of another width.</returns>
    public static Result<LinearChain> Load(IWeightSource source, string prefix, long inputs, Device device, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(prefix);
        var own = new SomeWeights(source, name => name.StartsWith(prefix, StringComparison.Ordinal));
        if (!Shapes(own, prefix, inputs).TryGet(out var shapes, out var fault)) return fault;
        var chain = new LinearChain(prefix, shapes);
        var loaded = chain._weights.Load(own, device, type == ScalarType.Float64 ? type : ScalarType.Float32);
        if (!loaded.TryGet(out _, out fault))
        {
            chain.Dispose();
            return fault;
        }
        chain._weights.SetTrained(false);
        chain._weights.ComputeIn(type == ScalarType.Float64 ? type : ScalarType.Float32);
        return chain;
    }

    /// <summary>The scores of features.</summary>
    /// <param name="features">[B, inputs], any floating-point type.</param>
    /// <returns>[B], fp32 (fp64 in a network that computes in it).</returns>
    public Tensor Forward(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        using var scope = NewDisposeScope();
        return _layers.Aggregate(features.to(_layers[0].ComputeType), static (hidden, layer) => layer.Forward(hidden)).squeeze(-1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();

    private static Result<List<(int, long, long)>> Shapes(IWeightSource source, string prefix, long inputs)
    {
        var place = new SourcePlace(source.Location);
        List<(int, long, long)> shapes = [];
        foreach (var (index, name) in source.Entries.Keys.Select(name => (Index: IndexOf(name, prefix), Name: name)).Where(static layer => layer.Index is not null).OrderBy(static layer => layer.Index))
        {
            var shape = source.Entries[name].Shape;
            if (shape.Count != 2 || shape[1] != inputs)
                return new Fault.Input(FaultCodes.ShapeMismatch, $"tensor '{name}' is [{string.Join(", ", shape)}], but has to be a matrix for the {inputs} numbers that come in", place);
            shapes.Add((index!.Value, inputs, shape[0]));
            inputs = shape[0];
        }
        if (shapes.Count == 0) return new Fault.Input(FaultCodes.TensorMismatch, $"there is no tensor '{prefix}layers.0.weight': this is not the head of a reward", place);
        return inputs == 1 ? shapes : new Fault.Input(FaultCodes.ShapeMismatch, $"the last layer gives {inputs} numbers, but a score is one", place);
    }

    private static int? IndexOf(string name, string prefix)
    {
        var (before, after) = ($"{prefix}layers.", ".weight");
        return name.StartsWith(before, StringComparison.Ordinal) && name.EndsWith(after, StringComparison.Ordinal) && name.Length > before.Length + after.Length
            && int.TryParse(name[before.Length..^after.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;
    }
}
