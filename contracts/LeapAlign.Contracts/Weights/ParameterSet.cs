using System.Collections;
using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Weights;

/// <summary>Trained tensors in a fixed order, each under a name of its own.</summary>
public sealed class ParameterSet : IReadOnlyList<Parameter>
{
    private readonly Parameter[] _parameters;

    /// <summary>Takes the parameters in their order.</summary>
    /// <param name="parameters">Each under a name of its own.</param>
    /// <exception cref="ArgumentException">Two have the same name.</exception>
    public ParameterSet(IEnumerable<Parameter> parameters)
    {
        _parameters = [.. parameters];
        if (_parameters.GroupBy(static parameter => parameter.Name, StringComparer.Ordinal).FirstOrDefault(static group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"two parameters are called '{twice.Key}'", nameof(parameters));
    }

    /// <summary>No parameters.</summary>
    public static ParameterSet Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _parameters.Length;

    /// <inheritdoc/>
    public Parameter this[int index] => _parameters[index];

    /// <summary>The tensors by name, for states.</summary>
    public IReadOnlyList<NamedTensor> Tensors => [.. _parameters.Select(static parameter => new NamedTensor(parameter.Name, parameter.Value))];

    /// <summary>The set with others after it.</summary>
    public ParameterSet With(ParameterSet others) => others is { Count: 0 } ? this : new(_parameters.Concat(others));

    /// <summary>The L2 norm of all gradients together. Nothing waits for the device.</summary>
    /// <returns>An fp32 scalar that is not finite when any gradient is not; parameters without a gradient count as zero.</returns>
    public Tensor GradientNorm()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = Gradients();
        if (gradients.Count == 0) return zeros([], dtype: ScalarType.Float32).MoveToOuterDisposeScope();
        return stack(gradients.Select(static gradient => gradient.norm())).norm().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Scales the gradients so that their norm is at most the limit. Nothing waits for the device. A norm that is not a number makes every gradient one like
    /// it, so that whoever looks for the bad one looks before.
    /// </summary>
    /// <param name="norm">Their <see cref="GradientNorm"/>.</param>
    /// <param name="limit">The largest norm.</param>
    public void ClipGradients(Tensor norm, double limit)
    {
        ArgumentNullException.ThrowIfNull(norm);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var factor = (limit / (norm + 1e-6)).clamp_max(1);
        foreach (var gradient in Gradients()) gradient.mul_(factor);
    }

    /// <summary>Drops all gradients.</summary>
    public void ClearGradients()
    {
        foreach (var parameter in _parameters)
        {
            using var gradient = parameter.Value.grad;
            parameter.Value.grad = null;
        }
    }

    /// <inheritdoc/>
    public IEnumerator<Parameter> GetEnumerator() => ((IEnumerable<Parameter>)_parameters).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<Tensor> Gradients() => [.. _parameters.Select(static parameter => parameter.Value.grad).OfType<Tensor>()];
}
