using System.Diagnostics;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>A reward that another process of the run computes.</summary>
/// <param name="name">Its name in the run.</param>
/// <param name="scorer">The process.</param>
/// <param name="messages">What is said to it.</param>
/// <param name="warned">Takes warnings of that process.</param>
internal sealed class RemoteReward(string name, int scorer, ScoringMessages messages, Action<Fault> warned) : IReward
{
    private RewardTraits? _traits;

    /// <summary>The process that computes it.</summary>
    public int Scorer => scorer;

    /// <summary>Its traits, once the process that has it told them.</summary>
    public RewardTraits Traits => _traits ?? throw new InvalidOperationException($"the traits of the reward '{name}' are asked for before the processes of the run met");

    /// <summary>Takes its traits.</summary>
    public void Take(RewardTraits traits) => _traits = traits;

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        var recorded = Traits.IsDifferentiable && is_grad_enabled() && images.requires_grad;
        var (scores, gradient) = Ask(images, prompts, recorded);
        return gradient is null ? scores : RemoteScore.apply([images, scores, gradient, GraphCalls.Current!]);
    }

    private (Tensor Scores, Tensor? Gradient) Ask(Tensor images, IReadOnlyList<Prompt> prompts, bool gradient)
    {
        messages.Say(scorer, ScoringMessages.Score, new ScoreRequest(name, images.shape, (int)images.dtype, gradient, prompts, Activity.Current?.Id), ScoringJson.Default.ScoreRequest);
        messages.Hear(scorer);
        messages.Send(images, scorer);
        var (_, length) = messages.Hear(scorer);
        var reply = messages.Words(scorer, length, ScoringJson.Default.ScoreReply);
        foreach (var warning in RankFault.ReadAll(reply.Warnings, scorer)) warned(warning);
        if (reply.IsInterrupted) throw new OperationCanceledException($"rank {scorer} was asked to stop while it scored");
        if (reply.Fault is { } fault) throw new FaultException(RankFault.Read(fault, scorer));
        var scores = messages.Receive([prompts.Count], (ScalarType)reply.Type, scorer).to(images.device);
        return (scores, gradient ? messages.Receive(images.shape, images.dtype, scorer).to(images.device) : null);
    }
}

/// <summary>
/// The node of scores whose gradients came with them: the score of a picture depends on that picture alone, so that the gradient of a loss is that of the score times that of the loss in the score. Its arguments:
/// the pictures, the scores, their gradients, who runs the backward or null.
/// </summary>
internal sealed class RemoteScore : autograd.SingleTensorFunction<RemoteScore>
{
    private const string CallsKey = "calls";

    public override string Name => "RemoteScore";

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_for_backward([(Tensor)vars[2]]);
        ctx.save_data(CallsKey, vars[3]);
        return ((Tensor)vars[1]).clone();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        SignalStack.Enter();
        var calls = (GraphCalls?)ctx.get_data(CallsKey);
        try
        {
            if (is_grad_enabled()) throw new NotSupportedException("a score of another process has no second derivative");
            using var scope = NewDisposeScope();
            var own = ctx.get_saved_variables()[0];
            var share = grad_output.to(own.dtype).view([-1, .. Enumerable.Repeat(1L, (int)own.dim() - 1)]);
            // A score that has no part in the loss has no gradient, whatever its own is.
            var gradient = where(share.eq(0), zeros_like(own), own * share).DetachFromDisposeScope();
            calls?.Return([gradient]);
            return [gradient, null!, null!, null!];
        }
        catch (Exception exception) when (calls is not null)
        {
            calls.Fail(exception);
            return [null!, null!, null!, null!];
        }
    }
}
