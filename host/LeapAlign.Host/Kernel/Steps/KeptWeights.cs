using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What parameters were before an update that may be undone.</summary>
internal sealed class KeptWeights : IDisposable
{
    private readonly ParameterSet _parameters;
    private readonly Tensor[] _values;

    private KeptWeights(ParameterSet parameters, Tensor[] values) => (_parameters, _values) = (parameters, values);

    /// <summary>Copies them.</summary>
    public static KeptWeights Of(ParameterSet parameters)
    {
        using var _ = no_grad();
        return new KeptWeights(parameters, [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())]);
    }

    /// <summary>Puts them back, to the bit.</summary>
    public void Restore()
    {
        using var _ = no_grad();
        for (var i = 0; i < _values.Length; i++) _parameters[i].Value.copy_(_values[i]);
    }

    public void Dispose()
    {
        foreach (var value in _values) value.Dispose();
    }
}
