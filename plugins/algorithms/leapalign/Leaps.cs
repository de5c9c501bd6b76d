using System.Diagnostics;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Leaps;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>
/// The leaps of one rollout, recorded while the sampler passes their anchors: at k and j the velocity is evaluated with gradient, once, and the sampler
/// continues with its detached value. So one pair costs N evaluations, two of them with gradient, whatever N is. Pairs with the same k share its
/// evaluation; at a j each pair has its own, because the graph of its input is its own.
/// </summary>
internal sealed class Leaps(MicroBatch batch, IReadOnlyList<LeapPair> pairs, double alpha)
{
    private readonly Tensor?[] _predictedJ = new Tensor?[pairs.Count];
    private readonly Tensor?[] _predicted0 = new Tensor?[pairs.Count];
    private readonly Tensor?[] _distanceJ = new Tensor?[pairs.Count];

    /// <summary>Starts the spans of the anchors.</summary>
    public ActivitySource? Spans { get; init; }

    /// <summary>x̂_0, a second leap's prediction of the final sample, with the graph of both anchors.</summary>
    public Tensor Predicted0(int pair) => _predicted0[pair] ?? throw new InvalidOperationException($"the sampler did not pass step {pairs[pair].J}");

    /// <summary>d_j = mean |x̂_j − x_j|, [B], fp64, measured before the connector.</summary>
    public Tensor DistanceJ(int pair) => _distanceJ[pair] ?? throw new InvalidOperationException($"the sampler did not pass step {pairs[pair].J}");

    /// <summary>Decorates the velocity of the batch.</summary>
    public Tensor Velocity(Tensor latents, int index)
    {
        var passed = pairs.Any(pair => pair.K == index) ? LeapFromK(latents, index) : null;
        for (var pair = 0; pair < pairs.Count; pair++)
        {
            if (pairs[pair].J != index) continue;
            var velocity = LeapFromJ(latents, pair);
            if (passed is null) passed = velocity;
            else velocity.Dispose();
        }
        return passed ?? batch.Velocity(latents, index);
    }

    private Tensor LeapFromK(Tensor latents, int k)
    {
        using var _ = enable_grad();
        using var span = Anchor("anchor k", k);
        var state = latents.detach();
        var velocity = batch.Velocity(state, k);
        for (var pair = 0; pair < pairs.Count; pair++)
        {
            if (pairs[pair].K == k) _predictedJ[pair] = RectifiedFlow.Leap(state, velocity, batch.Schedule.Delta(k, pairs[pair].J));
        }
        return velocity.detach();
    }

    private Tensor LeapFromJ(Tensor latents, int pair)
    {
        using var _ = enable_grad();
        var (k, j) = (pairs[pair].K, pairs[pair].J);
        using var span = Anchor("anchor j", j);
        var reached = latents.detach();
        var predicted = _predictedJ[pair] ?? throw new InvalidOperationException($"the sampler did not pass step {k}");
        _distanceJ[pair] = RectifiedFlow.Distance(predicted, reached);
        var connected = RectifiedFlow.Connect(predicted, reached);
        // Only the network's input is discounted; the straight path x_j^c − σ_j v_j keeps gradient 1.
        var velocity = batch.Velocity(RectifiedFlow.ScaleGradient(connected, alpha), j);
        _predicted0[pair] = RectifiedFlow.Leap(connected, velocity, batch.Schedule.Delta(j, batch.Schedule.Steps));
        return velocity.detach();
    }

    // Declared in plugin.json.
    private Activity? Anchor(string name, int step) =>
        Spans?.StartActivity(name)?.SetTag("leapalign.schedule.step", step).SetTag("leapalign.sigma", batch.Schedule.Sigma(step));
}
