using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>A piece of a gradient that stands in a buffer.</summary>
/// <param name="Parameter">Whose.</param>
/// <param name="From">Its first element in the gradient.</param>
/// <param name="Count">Its elements.</param>
/// <param name="At">Where it stands in the buffer.</param>
internal readonly record struct GradientPiece(Parameter Parameter, long From, long Count, long At)
{
    /// <summary>Whether the gradient ends with it.</summary>
    public bool IsLast => From + Count == Parameter.Value.numel();

    /// <summary>Puts what stands in the buffer in its place.</summary>
    public void Write(Tensor buffer)
    {
        using var gradient = Parameter.Value.grad!;
        using var place = gradient.view(-1).narrow(0, From, Count);
        using var sum = buffer.narrow(0, At, Count);
        place.copy_(sum);
    }
}

/// <summary>The gradients of some parameters, one behind the other, as they go into buffers. One that a process does not have counts as zeros.</summary>
/// <param name="parameters">The parameters.</param>
internal sealed class GradientStream(IReadOnlyList<Parameter> parameters)
{
    private int _place;
    private long _at;

    /// <summary>Elements that were not taken.</summary>
    public long Left { get; private set; } = parameters.Sum(static parameter => parameter.Value.numel());

    /// <summary>Takes the next elements.</summary>
    /// <param name="buffer">fp32, one dimension, zeros; filled from its beginning as far as there are elements.</param>
    /// <returns>What it took.</returns>
    public IReadOnlyList<GradientPiece> Take(Tensor buffer)
    {
        using var scope = NewDisposeScope();
        List<GradientPiece> pieces = [];
        var room = buffer.numel();
        for (long at = 0; at < room && _place < parameters.Count;)
        {
            var parameter = parameters[_place];
            var piece = new GradientPiece(parameter, _at, Math.Min(room - at, parameter.Value.numel() - _at), at);
            if (parameter.Value.grad is { } gradient) buffer.narrow(0, at, piece.Count).copy_(gradient.detach().flatten().narrow(0, piece.From, piece.Count));
            if (piece.Count > 0) pieces.Add(piece);
            (at, _at, Left) = (at + piece.Count, _at + piece.Count, Left - piece.Count);
            if (_at == parameter.Value.numel()) (_place, _at) = (_place + 1, 0);
        }
        return pieces;
    }
}
