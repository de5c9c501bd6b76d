namespace LeapAlign.Contracts.Models;

/// <summary>What a model made of a batch of captions. Each model has its own kind; others only pass it on and dispose it.</summary>
public abstract class Conditioning : IDisposable
{
    /// <summary>The number of captions.</summary>
    public abstract int BatchSize { get; }

    /// <summary>How many network evaluations one velocity costs: 2 under guidance that evaluates a negative branch.</summary>
    public abstract int EvaluationsPerVelocity { get; }

    /// <summary>Text tokens that the network reads with each evaluation, all samples together; null where the model does not say.</summary>
    public virtual long? Tokens => null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Disposes the tensors.</summary>
    protected abstract void Dispose(bool disposing);
}
