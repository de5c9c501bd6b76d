using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Means over the processes of a run, so that each of them decides the same: gradients before their norm is taken, losses and rewards before the guard judges them,
/// and whether one was asked to stop. With one process nothing is computed or copied.
/// </summary>
/// <param name="communicator">Joins the processes.</param>
internal sealed class RankMeans(ICommunicator communicator)
{
    /// <summary>Whether there is nothing to reduce.</summary>
    public bool IsAlone => communicator.World == 1;

    /// <summary>Replaces each gradient by its mean. A parameter that has one in any process has one in all afterwards.</summary>
    public void Gradients(ParameterSet parameters)
    {
        if (IsAlone) return;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var present = tensor(parameters.Select(static parameter => parameter.Value.grad is null ? 0f : 1f).ToArray());
        communicator.Sum([present]);
        var anywhere = present.data<float>().ToArray();
        List<Tensor> gradients = [];
        foreach (var (parameter, count) in parameters.Zip(anywhere))
        {
            if (count == 0) continue;
            parameter.Value.grad ??= zeros_like(parameter.Value).detach();
            gradients.Add(parameter.Value.grad);
        }
        communicator.Sum(gradients);
        using TorchSharp.Scalar share = 1.0 / communicator.World;
        foreach (var gradient in gradients) gradient.mul_(share);
    }

    /// <summary>The mean of a number.</summary>
    public double Of(double value) => IsAlone ? value : Of([value])[0];

    /// <summary>The means of numbers that every process has under the same names.</summary>
    public IReadOnlyDictionary<string, double> Of(IReadOnlyDictionary<string, double> values)
    {
        if (IsAlone || values.Count == 0) return values;
        string[] names = [.. values.Keys.Order(StringComparer.Ordinal)];
        var means = Of([.. names.Select(name => values[name])]);
        return names.Zip(means).ToDictionary(static pair => pair.First, static pair => pair.Second);
    }

    /// <summary>Whether it holds in any process.</summary>
    public bool Any(bool value) => IsAlone ? value : Of(value ? 1.0 : 0) > 0;

    private double[] Of(double[] values)
    {
        using var scope = NewDisposeScope();
        var sums = tensor(values, dtype: ScalarType.Float64);
        communicator.Sum([sums]);
        return [.. sums.data<double>().Select(sum => sum / communicator.World)];
    }
}
