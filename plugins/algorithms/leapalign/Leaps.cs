using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>
/// The two leaps of one rollout, recorded while the sampler passes their anchors: at k and j the velocity is evaluated with gradient, once, and the
/// sampler continues with its detached value. So a step costs N evaluations, two of them with gradient, whatever N is.
/// </summary>
internal sealed class Leaps(AlignmentStep step, LeapPair pair, double alpha)
{
    private Tensor? _predictedJ;
    private Tensor? _predicted0;
    private Tensor? _distanceJ;

    /// <summary>x̂_0, the second leap's prediction of the final sample, with the graph of both anchors.</summary>
    public Tensor Predicted0 => _predicted0 ?? throw new InvalidOperationException($"the sampler did not pass step {pair.J}");

    /// <summary>d_j = mean |x̂_j − x_j|, [B], fp64, measured before the connector.</summary>
    public Tensor DistanceJ => _distanceJ ?? throw new InvalidOperationException($"the sampler did not pass step {pair.J}");

    /// <summary>Decorates the velocity of the step.</summary>
    public Tensor Velocity(Tensor latents, int index) =>
        index == pair.K ? LeapFromK(latents)
        : index == pair.J ? LeapFromJ(latents)
        : step.Velocity(latents, index);

    private Tensor LeapFromK(Tensor latents)
    {
        using var _ = enable_grad();
        var state = latents.detach();
        var velocity = step.Velocity(state, pair.K);
        _predictedJ = RectifiedFlow.Leap(state, velocity, step.Schedule.Delta(pair.K, pair.J));
        return velocity.detach();
    }

    private Tensor LeapFromJ(Tensor latents)
    {
        using var _ = enable_grad();
        var reached = latents.detach();
        var predicted = _predictedJ ?? throw new InvalidOperationException($"the sampler did not pass step {pair.K}");
        _distanceJ = RectifiedFlow.Distance(predicted, reached);
        var connected = RectifiedFlow.Connect(predicted, reached);
        // Only the network's input is discounted; the straight path x_j^c − σ_j v_j keeps gradient 1.
        var velocity = step.Velocity(RectifiedFlow.ScaleGradient(connected, alpha), pair.J);
        _predicted0 = RectifiedFlow.Leap(connected, velocity, step.Schedule.Delta(pair.J, step.Schedule.Steps));
        return velocity.detach();
    }
}
