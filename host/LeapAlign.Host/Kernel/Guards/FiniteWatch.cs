using System.Globalization;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>
/// Remembers of every stage of a step which samples came out finite: one number for each sample, on the device. Nothing waits for it; only when something
/// went bad is it read, to name the first stage, noise level and caption.
/// </summary>
internal sealed class FiniteWatch : IDisposable
{
    private readonly List<Note> _notes = [];

    /// <summary>Takes what a stage made.</summary>
    /// <param name="stage">The stage and the part that runs it.</param>
    /// <param name="sigmas">The noise levels of the samples, one for all or one for each; empty where there are none.</param>
    /// <param name="prompts">The prompts of the samples.</param>
    /// <param name="values">[B, ...], one row or several for each prompt.</param>
    public void Take(string stage, IReadOnlyList<double> sigmas, IReadOnlyList<Prompt> prompts, Tensor values)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // 0 · x is 0 where x is finite, and not a number elsewhere; unlike isfinite, "meta" tensors have it.
        var zeros = values.detach().mul(0);
        var flags = zeros.dim() > 1 ? zeros.flatten(1).sum([1]) : zeros;
        _notes.Add(new Note(stage, sigmas, prompts, flags.DetachFromDisposeScope()));
    }

    /// <summary>Names the first stage whose numbers went bad in this process; null where all came out finite.</summary>
    public string? FirstNoted() => _notes.Select(static note => note.FirstBad()).FirstOrDefault(static where => where is not null);

    /// <summary>Names a weight that is not finite; null where there is none.</summary>
    /// <param name="parameters">The trained weights.</param>
    public static string? FirstWeight(ParameterSet parameters) =>
        parameters.FirstOrDefault(static weight => !IsFinite(weight.Value)) is { } bad ? $"the weight '{bad.Name}' is not finite" : null;

    /// <summary>Names the gradient in which it began, where every stage came out finite.</summary>
    /// <param name="bad">The trained weights whose gradient is not finite, in their order.</param>
    // A gradient goes from the last layer to the first: the last one that is bad is where it began.
    public static string FirstGradient(IEnumerable<Parameter> bad) =>
        bad.LastOrDefault() is { } layer
            ? $"every stage came out finite, and the gradient went bad in or behind '{layer.Name}'"
            : "every stage and gradient is finite, and the loss made of them is not";

    /// <summary>Forgets the step.</summary>
    public void Clear()
    {
        foreach (var note in _notes) note.Flags.Dispose();
        _notes.Clear();
    }

    public void Dispose() => Clear();

    /// <summary>Whether all values are.</summary>
    public static bool IsFinite(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().isfinite().all().item<bool>();
    }

    private sealed record Note(string Stage, IReadOnlyList<double> Sigmas, IReadOnlyList<Prompt> Prompts, Tensor Flags)
    {
        public string? FirstBad()
        {
            using var scope = NewDisposeScope();
            var flags = Flags.to(ScalarType.Float64).cpu().data<double>().ToArray();
            var sample = Array.FindIndex(flags, double.IsNaN);
            if (sample < 0) return null;
            var sigma = Sigmas.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" at sigma {Sigmas[Sigmas.Count == 1 ? 0 : sample]:0.####}");
            return $"the first that is not finite is the {Stage} of '{Prompts[sample % Prompts.Count].Text}'{sigma}";
        }
    }
}
