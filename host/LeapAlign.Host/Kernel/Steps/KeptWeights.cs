using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What parameters were, to be put back: before an update that may be undone, and while they have other values.</summary>
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
    public void Restore() => Put(_parameters, _values);

    /// <summary>Gives parameters other values, in order.</summary>
    public static void Put(ParameterSet parameters, IReadOnlyList<Tensor> values)
    {
        using var _ = no_grad();
        for (var i = 0; i < values.Count; i++) parameters[i].Value.copy_(values[i]);
    }

    public void Dispose()
    {
        foreach (var value in _values) value.Dispose();
    }
}
