using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Kernel.Stages;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// The conditioning of the samples that are being worked on: made when it is first needed, replaced when other samples are. A step of many micro-batches
/// holds one at a time, and the model's own cache makes coming back cheap. Graphs keep the tensors they need, whoever disposes the conditioning.
/// </summary>
internal sealed class LiveConditioning(IModel model, ImageSize size, OpenStages stages) : IDisposable
{
    private MicroBatch? _batch;
    private Guidance? _guidance;
    private Conditioning? _conditioning;

    /// <summary>The conditioning of a micro-batch's captions.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="guidance">How strongly the captions steer.</param>
    public Conditioning For(MicroBatch batch, Guidance guidance)
    {
        if (_conditioning is not null && ReferenceEquals(_batch, batch) && _guidance == guidance) return _conditioning;
        Dispose();
        string[] captions = [.. batch.Prompts.Select(static prompt => prompt.Text)];
        _conditioning = stages.Encode(model, new ConditioningRequest(captions, guidance, size));
        (_batch, _guidance) = (batch, guidance);
        return _conditioning;
    }

    public void Dispose()
    {
        _conditioning?.Dispose();
        _conditioning = null;
        (_batch, _guidance) = (null, null);
    }
}
