using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Surrogate;

/// <summary>The newest pictures that were scored in training, small, with their captions and scores.</summary>
internal sealed class ReplayBuffer : IDisposable
{
    private readonly Tensor _pictures, _words, _scores;
    private int _next;

    public ReplayBuffer(int capacity, int size, int rewards, Device device)
    {
        using var scope = NewDisposeScope();
        _pictures = zeros(capacity, 3, size, size, device: device).DetachFromDisposeScope();
        _words = zeros(capacity, CaptionWords.Count, device: device).DetachFromDisposeScope();
        _scores = zeros(capacity, rewards, device: device).DetachFromDisposeScope();
    }

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Those that were added since <see cref="Seen"/>, as far as they are still there.</summary>
    public int Fresh { get; private set; }

    private int Capacity => (int)_pictures.shape[0];

    /// <summary>What is kept between steps.</summary>
    public IEnumerable<NamedTensor> Tensors => [new("pictures", _pictures), new("words", _words), new("scores", _scores)];

    /// <summary>The counts.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => [new("count", Count), new("next", _next), new("fresh", Fresh)];

    /// <summary>Takes both over from a state.</summary>
    public Result<Unit> Load(PartState state) =>
        from pictures in state.CopyTo("pictures", _pictures)
        from words in state.CopyTo("words", _words)
        from scores in state.CopyTo("scores", _scores)
        from count in state.Number("count")
        from next in state.Number("next")
        from fresh in state.Number("fresh")
        select Resume((int)count, (int)next, (int)fresh);

    /// <summary>Adds a picture that has scores; one that has not is of no use.</summary>
    public void Add(Tensor pictures, Tensor words, Tensor scores)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var known = scores.isfinite().all(1).cpu().data<bool>().ToArray();
        for (var row = 0; row < known.Length; row++)
        {
            if (!known[row]) continue;
            _pictures.select(0, _next).copy_(pictures.select(0, row));
            _words.select(0, _next).copy_(words.select(0, row));
            _scores.select(0, _next).copy_(scores.select(0, row));
            _next = (_next + 1) % Capacity;
            (Count, Fresh) = (Math.Min(Count + 1, Capacity), Math.Min(Fresh + 1, Capacity));
        }
    }

    /// <summary>Rows by their places, in the scope of the caller.</summary>
    public (Tensor Pictures, Tensor Words, Tensor Scores) At(IReadOnlyList<long> places)
    {
        using var index = tensor([.. places], device: _pictures.device);
        return (_pictures.index_select(0, index), _words.index_select(0, index), _scores.index_select(0, index));
    }

    /// <summary>The places of those that were added since <see cref="Seen"/>.</summary>
    public IReadOnlyList<long> FreshPlaces => [.. Enumerable.Range(0, Fresh).Select(back => (long)((_next - 1 - back + (2 * Capacity)) % Capacity))];

    /// <summary>Nothing is fresh any more.</summary>
    public void Seen() => Fresh = 0;

    /// <summary>Mean and standard deviation of the scores, [R] each, in the scope of the caller.</summary>
    public (Tensor Mean, Tensor Spread) Spread()
    {
        using var scope = NewDisposeScope();
        var there = _scores.narrow(0, 0, Count);
        // Scores that are all the same have nothing to learn; their spread must not blow rounding up.
        return (there.mean([0]).MoveToOuterDisposeScope(), there.std([0], unbiased: false).clamp_min(1e-6).MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        _pictures.Dispose();
        _words.Dispose();
        _scores.Dispose();
    }

    private Unit Resume(int count, int next, int fresh)
    {
        (Count, _next, Fresh) = (count, next, fresh);
        return Unit.Value;
    }
}
