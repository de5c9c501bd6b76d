using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with bias-corrected moments, at work on some parameters.</summary>
public sealed class AdamWUpdates : IDisposable
{
    private readonly string _optimizer;
    private readonly AdamWForm _form;
    private readonly Action<Fault>? _warn;
    private readonly IReadOnlyList<AdamWSlot> _slots;
    private bool _warned;

    /// <summary>Begins with moments of zero.</summary>
    /// <param name="optimizer">The id of the optimizer, for its warning.</param>
    /// <param name="form">Decays of the moments, and ε.</param>
    /// <param name="parameters">What it updates.</param>
    /// <param name="decay">Their weight decay.</param>
    /// <param name="warn">Takes the warning that the fused kernel is not there; null when nobody listens.</param>
    public AdamWUpdates(string optimizer, AdamWForm form, IEnumerable<Parameter> parameters, WeightDecay decay, Action<Fault>? warn = null)
    {
        (_optimizer, _form, _warn) = (optimizer, form, warn);
        _slots = [.. parameters.Select(parameter => new AdamWSlot(parameter.Name, parameter.Value, decay.Of(parameter)))];
    }

    /// <summary>The moments, for states.</summary>
    public IEnumerable<NamedTensor> Tensors => _slots.SelectMany(static slot => new[] { new NamedTensor(First(slot), slot.First), new NamedTensor(Second(slot), slot.Second) });

    /// <summary>The counts of updates, for states.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => _slots.Select(static slot => KeyValuePair.Create(Count(slot), (double)slot.Updates));

    /// <summary>Updates the parameters that have a gradient.</summary>
    /// <param name="rate">The learning rate.</param>
    public void Update(double rate)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var moving = _slots.Where(static slot => slot.Parameter.grad is not null).ToList();
        foreach (var slot in moving) slot.Advance();
        if (_form.Fused && FusedAdamW.TryUpdate(moving, _form, rate)) return;
        if (_form.Fused && moving.Count > 0) Warn(moving[0].Parameter.device_type);
        PlainAdamW.Update(moving, _form, rate);
    }

    /// <summary>Takes <see cref="Tensors"/> and <see cref="Numbers"/> over from a state.</summary>
    public Result<Unit> Load(PartState state) => _slots.Select(slot =>
        from first in state.CopyTo(First(slot), slot.First)
        from second in state.CopyTo(Second(slot), slot.Second)
        from updates in state.Number(Count(slot))
        select Resume(slot, updates)).All().Map(static _ => Unit.Value);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var slot in _slots) slot.Dispose();
    }

    // The same to rounding, but not to the bit: a run on another machine would differ without a word.
    private void Warn(TorchSharp.DeviceType device)
    {
        if (_warned) return;
        _warned = true;
        _warn?.Invoke(new Fault.Plugin(
            FaultCodes.MissingDependency, $"{_optimizer}: this libtorch has no fused kernel for {device}; plain operations compute the update, equal to rounding and not to the bit (fused = false says so without a warning)"));
    }

    private static string First(AdamWSlot slot) => $"first.{slot.Name}";

    private static string Second(AdamWSlot slot) => $"second.{slot.Name}";

    private static string Count(AdamWSlot slot) => $"updates.{slot.Name}";

    private static Unit Resume(AdamWSlot slot, double updates)
    {
        slot.Resume((int)updates);
        return Unit.Value;
    }
}
