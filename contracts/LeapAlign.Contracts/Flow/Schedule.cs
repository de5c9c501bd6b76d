using System.Collections.Immutable;

namespace LeapAlign.Contracts.Flow;

/// <summary>
/// The noise levels of a sampling path, from noise to data: <c>σ_0 &gt; σ_1 &gt; … &gt; σ_N = 0</c>. Steps are numbered forwards, 0 being the noisiest; a σ is
/// looked up by its step, never recomputed.
/// </summary>
public sealed record Schedule
{
    /// <summary>Takes the levels.</summary>
    /// <param name="sigmas">N + 1 levels, strictly falling, in [0, 1], the last 0.</param>
    /// <exception cref="ArgumentException">They are not so.</exception>
    public Schedule(IEnumerable<double> sigmas)
    {
        Sigmas = [.. sigmas];
        if (Sigmas.Length < 2 || Sigmas[^1] != 0 || Sigmas[0] > 1 || Sigmas.Zip(Sigmas.Skip(1)).Any(pair => !(pair.First > pair.Second)))
            throw new ArgumentException($"sigmas must fall strictly from at most 1 to 0: {string.Join(", ", Sigmas)}", nameof(sigmas));
    }

    /// <summary>The N + 1 levels, last one 0.</summary>
    public ImmutableArray<double> Sigmas { get; }

    /// <summary>N, the number of network calls of one sample.</summary>
    public int Steps => Sigmas.Length - 1;

    /// <summary>σ of a step, 0 ≤ step ≤ N.</summary>
    public double Sigma(int step) => Sigmas[step];

    /// <summary>σ_{to} − σ_{from}; negative when going towards the data.</summary>
    public double Delta(int from, int to) => Sigmas[to] - Sigmas[from];

    /// <inheritdoc/>
    public bool Equals(Schedule? other) => other is not null && Sigmas.AsSpan().SequenceEqual(other.Sigmas.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Sigmas.Aggregate(0, HashCode.Combine);
}
