using System.Diagnostics;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>What a process does that scores for others: it answers them one after another, until all of them have ended.</summary>
/// <param name="rewards">Those that it has.</param>
/// <param name="messages">What is said.</param>
/// <param name="trainers">The number of processes that train, the first ones.</param>
/// <param name="device">Where pictures go.</param>
/// <param name="stages">Hear of scoring.</param>
/// <param name="warnings">Those of its rewards; null where nobody keeps any.</param>
internal sealed class ScoringProcess(IReadOnlyList<RunReward> rewards, ScoringMessages messages, int trainers, Device device, OpenStages stages, IRankWarnings? warnings)
{
    private readonly Dictionary<string, PictureScoring> _scoring = rewards.ToDictionary(static reward => reward.Name, reward => new PictureScoring([reward], stages));
    private readonly HashSet<string> _looked = [];

    /// <summary>Answers, until all have ended.</summary>
    /// <returns>The fault with which the first of them ended that had one.</returns>
    public Result<Unit> Serve()
    {
        var ends = new TrainerEnd?[trainers];
        while (Array.Exists(ends, static end => end is null))
        {
            var heard = false;
            for (var trainer = 0; trainer < trainers; trainer++)
            {
                if (ends[trainer] is not null || !messages.IsSaid(trainer)) continue;
                heard = true;
                var (what, length) = messages.Hear(trainer);
                if (what == ScoringMessages.End) ends[trainer] = messages.Words(trainer, length, ScoringJson.Default.TrainerEnd);
                else Answer(trainer, messages.Words(trainer, length, ScoringJson.Default.ScoreRequest));
            }
            if (!heard) ScoringMessages.Pause();
        }
        var first = Array.FindIndex(ends, static end => end!.Fault is not null);
        return first < 0 ? Unit.Value : RankFault.Read(ends[first]!.Fault!, first);
    }

    private void Answer(int trainer, ScoreRequest request)
    {
        using var scope = NewDisposeScope();
        messages.Say(trainer, ScoringMessages.Ready);
        var pictures = messages.Receive(request.Shape, (ScalarType)request.Type, trainer).to(device);
        var (scores, gradient, reply) = Scored(request, pictures);
        messages.Say(trainer, ScoringMessages.Answer, reply with { Warnings = RankFault.WriteAll(warnings?.TakeNew() ?? []) }, ScoringJson.Default.ScoreReply);
        if (scores is not null) messages.Send(scores, trainer);
        if (gradient is not null) messages.Send(gradient, trainer);
    }

    private (Tensor? Scores, Tensor? Gradient, ScoreReply Reply) Scored(ScoreRequest request, Tensor pictures)
    {
        using var span = KernelSpans.Source.StartActivity(SpanSchema.Serve.Name, ActivityKind.Internal, request.Trace);
        try
        {
            using var _ = request.Gradient ? enable_grad() : no_grad();
            var images = request.Gradient ? pictures.requires_grad_() : pictures;
            var scores = _scoring[request.Reward].All(images, request.Prompts)[0].Scores;
            return (scores.detach(), request.Gradient ? Gradient(request.Reward, scores, images) : null, new ScoreReply((int)scores.dtype, null, IsInterrupted: false, []));
        }
        catch (FaultException exception)
        {
            span?.Fail(exception.Fault);
            return (null, null, new ScoreReply(0, RankFault.Write(exception.Fault), IsInterrupted: false, []));
        }
        catch (OperationCanceledException)
        {
            return (null, null, new ScoreReply(0, null, IsInterrupted: true, []));
        }
#pragma warning disable CA1031 // A reward may throw anything; whoever asked ends with it, as if the reward were there.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var fault = exception.ToFault((type, message) => new Fault.Run(FaultCodes.StepThrew, $"the gradient of the reward '{request.Reward}' threw {type}: {message}"));
            span?.Fail(fault);
            return (null, null, new ScoreReply(0, RankFault.Write(fault), IsInterrupted: false, []));
        }
    }

    // Of all scores in one backward: each depends on its own picture alone. The first time that there are several it is looked at.
    private Tensor Gradient(string reward, Tensor scores, Tensor images)
    {
        // A reward may give scores that do not depend on the pictures.
        if (!scores.requires_grad) return zeros_like(images);
        if (scores.shape[0] > 1 && _looked.Add(reward)) Look(reward, scores, images);
        return autograd.grad([scores.sum()], [images], allow_unused: true)[0] is { IsInvalid: false } gradient ? gradient : zeros_like(images);
    }

    private static void Look(string reward, Tensor scores, Tensor images)
    {
        if (autograd.grad([scores[0]], [images], retain_graph: true, allow_unused: true)[0] is not { IsInvalid: false } first || !first.narrow(0, 1, images.shape[0] - 1).ne(0).any().item<bool>()) return;
        throw new FaultException(new Fault.Composition(
            FaultCodes.SettingsDoNotFit,
            $"the score that the reward '{reward}' gives to a picture depends on the other pictures of its batch, so that its gradient cannot come from another process: leave its placement out",
            new SourcePlace("plugins.json", Key: "rewards")));
    }
}
