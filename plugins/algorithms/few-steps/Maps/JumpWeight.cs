using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>
/// The learnt weight w(s, t) of the residual of a jump from s to t, as the published code has it: sinusoids of both times, added, and one linear output. The loss <c>e^(−w) ℓ + w</c> is least where w = ln ℓ, so that
/// every pair of times counts alike, however large its residuals are. At the beginning w is 0, and the loss ℓ.
/// </summary>
internal sealed class JumpWeight : IDisposable
{
    private const int Channels = 128;
    private const double Times = 1000, LongestPeriod = 10_000;

    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly Tensor _frequencies;

    /// <summary>One that is 0 everywhere.</summary>
    /// <param name="device">Where it computes.</param>
    public JumpWeight(Device device)
    {
        _weight = zeros(1, Channels, dtype: ScalarType.Float32, device: device).requires_grad_().DetachFromDisposeScope();
        _bias = zeros(1, dtype: ScalarType.Float32, device: device).requires_grad_().DetachFromDisposeScope();
        using var scope = NewDisposeScope();
        _frequencies = (arange(Channels / 2, dtype: ScalarType.Float32, device: device) * (-Math.Log(LongestPeriod) / (Channels / 2))).exp().DetachFromDisposeScope();
        Parameters = new([new Parameter("jump_weight.weight", ParameterRole.Matrix, _weight), new Parameter("jump_weight.bias", ParameterRole.Bias, _bias)]);
    }

    /// <summary>What is trained.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>w of jumps, [B], fp32, with gradient.</summary>
    /// <param name="jumps">Where each begins and ends.</param>
    public Tensor Of(IReadOnlyList<(double From, double To)> jumps)
    {
        using var scope = NewDisposeScope();
        var sinusoids = Sinusoids([.. jumps.Select(static jump => jump.From)]) + Sinusoids([.. jumps.Select(static jump => jump.To)]);
        return nn.functional.linear(sinusoids, _weight, _bias).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
        _frequencies.Dispose();
    }

    private Tensor Sinusoids(double[] times)
    {
        var angles = tensor(times, dtype: ScalarType.Float32, device: _frequencies.device).unsqueeze(1) * Times * _frequencies;
        return cat([angles.cos(), angles.sin()], 1);
    }
}
