using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Drafts;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Drafts;

/// <summary>A micro-batch along the teacher's path, and the steps of it that are trained.</summary>
internal sealed class TaughtRollout(AlignmentStep step, MicroBatch batch, IStochasticSampler sampler, IReadOnlyList<int> chosen)
{
    private readonly Dictionary<int, TaughtStep> _steps = [];
    private readonly List<Measurement> _measured = [];

    public MicroBatch Batch => batch;

    public IStochasticSampler Sampler => sampler;

    /// <summary>The trained steps, in the order of the choice.</summary>
    public IReadOnlyList<TaughtStep> Steps => [.. chosen.Select(index => _steps[index])];

    /// <summary>What the sampler measured.</summary>
    public IReadOnlyList<Measurement> Measured => _measured;

    /// <summary>Goes from noise to the sample; called once, without gradient.</summary>
    public void Roll() => batch.Sampler.Roll(batch.Noise, batch.Path with
    {
        Velocity = Taught,
        Noise = index => batch.Normal("draft", index),
        Passed = passed => Record(passed.Index, passed.State, passed.Velocity),
        Measured = measured => _measured.Add(new Measurement(measured.Name, step.Keep(measured.Value.detach()))),
    }).Dispose();

    private Tensor Taught(Tensor latents, int index)
    {
        var velocity = batch.Taught(latents, [batch.Schedule.Sigma(index)]);
        Record(index, latents, velocity);
        return velocity;
    }

    private void Record(int index, Tensor state, Tensor velocity)
    {
        if (!chosen.Contains(index)) return;
        using var scope = NewDisposeScope();
        var mean = sampler.Transition(state, velocity, batch.Schedule, index).Mean;
        _steps[index] = new TaughtStep(step, index, step.Keep(state.detach()), step.Keep(mean.detach()))
        {
            Noise = () => batch.Normal("proposal", index),
        };
    }
}

/// <summary>A trained step of the teacher's path. Its tensors are kept by the step of the run.</summary>
internal sealed class TaughtStep(AlignmentStep step, int index, Tensor state, Tensor mean)
{
    public int Index { get; } = index;

    /// <summary>x_i.</summary>
    public Tensor State { get; } = state;

    /// <summary>μ_q, the teacher's.</summary>
    public Tensor Mean { get; } = mean;

    /// <summary>z of the proposal that TVD++ judges.</summary>
    public required Func<Tensor> Noise { get; init; }

    /// <summary>y, the drafter's proposal; null where nothing was drawn.</summary>
    public Tensor? Next { get; private set; }

    /// <summary><c>1{‖y − μ_q‖ &lt; ‖y − μ_θ‖}</c> of each token, [B, tokens], fp64.</summary>
    public Tensor? Rewards { get; private set; }

    /// <summary>Draws the drafter's proposal.</summary>
    /// <param name="draft">The drafter's step.</param>
    /// <param name="token">The side of a token.</param>
    public void Draw(Transition draft, int token)
    {
        using var scope = NewDisposeScope();
        Next = step.Keep(draft.Next(Noise()).detach());
        Rewards = step.Keep(DraftGradient.Rewards(Draws.Squares(Next, Mean, token).neg(), Draws.Squares(Next, draft.Mean, token).neg()));
    }
}

/// <summary>Proposals by tokens.</summary>
internal static class Draws
{
    /// <summary>‖y − μ‖² of each token, [B, tokens], fp64, with the graph of μ.</summary>
    public static Tensor Squares(Tensor next, Tensor mean, int token) =>
        LatentTokens.Of(next.to(ScalarType.Float64) - mean.to(ScalarType.Float64), token).square().sum(2);
}
