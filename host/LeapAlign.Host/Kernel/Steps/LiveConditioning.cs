using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Telemetry.Spans;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// The conditioning of the samples that are being worked on: made when it is first needed, replaced when other samples are. A step of many micro-batches
/// holds one at a time, and the model's own cache makes coming back cheap. Graphs keep the tensors they need, whoever disposes the conditioning.
/// </summary>
internal sealed class LiveConditioning(IModel model, ImageSize size, StageClock clock) : IDisposable
{
    private object? _owner;
    private Conditioning? _conditioning;

    /// <summary>The conditioning of an owner's captions.</summary>
    /// <param name="owner">Whoever always asks for these captions under this guidance.</param>
    /// <param name="captions">One for each sample.</param>
    /// <param name="guidance">How strongly they steer.</param>
    public Conditioning For(object owner, IReadOnlyList<string> captions, Guidance guidance)
    {
        if (_conditioning is not null && ReferenceEquals(_owner, owner)) return _conditioning;
        Dispose();
        _conditioning = clock.Measure("encode", () => model.Encode(new ConditioningRequest(captions, guidance, size)), KernelSpans.Describe);
        _owner = owner;
        return _conditioning;
    }

    public void Dispose()
    {
        _conditioning?.Dispose();
        _conditioning = null;
        _owner = null;
    }
}
