using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>What an optimization keeps beside its parameters: rows of tensors, one for each parameter, under a name, and how many updates it made. It is the optimization's state, and owns the tensors.</summary>
/// <param name="parameters">What is trained.</param>
/// <param name="rows">Each a name, which stands before those of the parameters in checkpoints, and what it begins with: <see cref="AsNow"/> or <see cref="Zeros"/>.</param>
public sealed class KeptRows(ParameterSet parameters, params IReadOnlyList<(string Name, Func<ParameterSet, Tensor[]> Begin)> rows) : IDisposable
{
    private readonly (string Name, Tensor[] Tensors)[] _rows = [.. rows.Select(row => (row.Name, row.Begin(parameters)))];

    /// <summary>A row's tensors, in the order of the parameters.</summary>
    /// <param name="row">Its place among the rows.</param>
    public IReadOnlyList<Tensor> this[int row] => _rows[row].Tensors;

    /// <summary>Updates so far.</summary>
    public int Updates { get; set; }

    /// <summary>A row that begins as the parameters are now.</summary>
    public static Tensor[] AsNow(ParameterSet parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())];
    }

    /// <summary>A row that begins at zero.</summary>
    public static Tensor[] Zeros(ParameterSet parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return [.. parameters.Select(static parameter => zeros_like(parameter.Value).detach().DetachFromDisposeScope())];
    }

    /// <summary>The state, row by row.</summary>
    /// <param name="version">Of the optimization.</param>
    public PartState Save(int version) => new(
        version,
        [.. _rows.SelectMany(row => parameters.Zip(row.Tensors, (parameter, tensor) => new NamedTensor(NameOf(row.Name, parameter), tensor)))],
        new Dictionary<string, double> { ["updates"] = Updates });

    /// <summary>Takes a state over.</summary>
    public Result<Unit> Load(PartState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return from tensors in _rows.SelectMany(row => parameters.Zip(row.Tensors, (parameter, tensor) => state.CopyTo(NameOf(row.Name, parameter), tensor))).All()
               from updates in state.Number("updates")
               select Resumed((int)updates);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _rows.SelectMany(static row => row.Tensors)) tensor.Dispose();
    }

    private Unit Resumed(int updates)
    {
        Updates = updates;
        return Unit.Value;
    }

    private static string NameOf(string row, Parameter parameter) => $"{row}.{parameter.Name}";
}
