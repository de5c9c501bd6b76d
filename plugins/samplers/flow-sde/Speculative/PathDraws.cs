using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Speculative;

/// <summary>
/// What is drawn for the steps of a path: one noise and one number for each sample and step, however often the step is proposed. That is exact: whether the steps before it were accepted does not depend on them.
/// </summary>
internal sealed class PathDraws(SamplingPath path, Lookahead ahead) : IDisposable
{
    private readonly Dictionary<int, Tensor?> _noise = [];
    private readonly Dictionary<int, IReadOnlyList<double>> _uniform = [];

    /// <summary>z of a step, [B, ...]; null for one that follows the ODE.</summary>
    public Tensor? Noise(int step)
    {
        if (_noise.TryGetValue(step, out var known)) return known;
        return _noise[step] = path.Noise(step)?.DetachFromDisposeScope();
    }

    /// <summary>The number that decides about the proposal of a step for a sample.</summary>
    public double Uniform(int step, int sample)
    {
        if (!_uniform.TryGetValue(step, out var known)) _uniform[step] = known = ahead.Uniform(step);
        return known[sample];
    }

    /// <summary>Forgets the noise of a step that all samples have made.</summary>
    public void Forget(int step)
    {
        if (_noise.Remove(step, out var noise)) noise?.Dispose();
        _uniform.Remove(step);
    }

    public void Dispose()
    {
        foreach (var noise in _noise.Values) noise?.Dispose();
        _noise.Clear();
    }
}
