using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What a prompt adds to a step.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Samples">Its samples in the step.</param>
/// <param name="Loss">Its part of the loss.</param>
/// <param name="Gradients">Its part of the gradient, one for each parameter; null where there is none.</param>
internal sealed record PromptGradient(Prompt Prompt, int Samples, double Loss, IReadOnlyList<Tensor?> Gradients);

/// <summary>The gradient of a step, and whose it is.</summary>
/// <param name="Prompts">In the order in which they first come.</param>
/// <param name="Gradients">The gradient of the step as an update has it, one for each parameter.</param>
internal sealed record PromptsOfStep(IReadOnlyList<PromptGradient> Prompts, IReadOnlyList<Tensor?> Gradients);

/// <summary>
/// Takes the gradients of a step whose micro-batches are of one prompt each, prompt by prompt. A loss is a mean over the samples of its micro-batch and has a share of the update by the number of these: shares are scaled, so that
/// every sample counts alike. It costs the memory of one gradient for each prompt.
/// </summary>
/// <param name="parameters">Everything that has gradients.</param>
internal sealed class PromptGradients(ParameterSet parameters) : IDisposable
{
    private readonly List<(Prompt Prompt, Tensor?[] Gradients)> _prompts = [];
    private readonly List<int> _samples = [];
    private readonly List<double> _losses = [];
    private int[] _places = [];
    private double[] _factors = [];
    private int _open = -1;

    /// <summary>The step begins.</summary>
    /// <param name="step">The step.</param>
    /// <returns>Refuses an update after the first.</returns>
    public Action<int> Begin(AlignmentStep step)
    {
        var all = step.Batches.Sum(static batch => batch.Samples.Count);
        _factors = [.. step.Batches.Select(batch => (double)batch.Samples.Count * step.Batches.Count / all)];
        _places = [.. step.Batches.Select(batch => Place(batch.Prompts[0], batch.Samples.Count))];
        return static update =>
        {
            if (update > 0) throw Refused("the algorithm makes several updates in a step, each with a curvature of its own; the influence of prompts is told of a step that is one update");
        };
    }

    /// <summary>A loss comes: what its backward adds up is its prompt's.</summary>
    /// <returns>The loss with its share of the update.</returns>
    /// <exception cref="FaultException">LA5047: nobody said whose it is.</exception>
    public Objective Open(StepLoss loss)
    {
        if (loss.Objective.Batch is not { } batch) throw Refused($"'{loss.Owner.Name}' does not say which micro-batch its loss is of (Objective.From), so that nothing tells which prompt it belongs to");
        Swap(_places[batch]);
        return _factors[batch] == 1 ? loss.Objective : loss.Objective.Times(_factors[batch]);
    }

    /// <summary>Takes the loss that came last, with its share.</summary>
    public void Add(double loss) => _losses[_open] += loss;

    /// <summary>What was taken.</summary>
    /// <param name="of">The parameters that are asked about: the first ones of all.</param>
    /// <returns>In the scope of the caller.</returns>
    public IReadOnlyList<PromptGradient> End(ParameterSet of)
    {
        Swap(-1);
        return [.. _prompts.Select((each, place) => new PromptGradient(each.Prompt, _samples[place], _losses[place], [.. each.Gradients.Take(of.Count).Select(static gradient => gradient?.alias())]))];
    }

    public void Dispose()
    {
        foreach (var gradient in _prompts.SelectMany(static each => each.Gradients)) gradient?.Dispose();
        _prompts.Clear();
    }

    private static FaultException Refused(string message) => new(new Fault.Run(FaultCodes.NoInfluence, message));

    private int Place(Prompt prompt, int samples)
    {
        var place = _prompts.FindIndex(each => each.Prompt.Id == prompt.Id);
        if (place < 0)
        {
            place = _prompts.Count;
            _prompts.Add((prompt, new Tensor?[parameters.Count]));
            _samples.Add(0);
            _losses.Add(0);
        }
        _samples[place] += samples;
        return place;
    }

    // What the parameters have is the open prompt's.
    private void Swap(int place)
    {
        if (place == _open) return;
        for (var i = 0; i < parameters.Count; i++)
        {
            var value = parameters[i].Value;
            if (_open >= 0) _prompts[_open].Gradients[i] = value.grad?.DetachFromDisposeScope();
            value.grad = place < 0 ? null : _prompts[place].Gradients[i];
            if (place < 0) continue;
            _prompts[place].Gradients[i]?.Dispose();
            _prompts[place].Gradients[i] = null;
        }
        _open = place;
    }
}
