using static TorchSharp.torch;

namespace LeapAlign.Contracts.Weights;

/// <summary>Several trained things as one: its parameters are those of the first, then those of the second, and so on.</summary>
/// <param name="parts">The things, each of whose parameters have names of their own.</param>
public sealed class JointTrainable(params IReadOnlyList<ITrainable> parts) : ITrainable
{
    /// <inheritdoc/>
    public ParameterSet Parameters { get; } = parts.Aggregate(ParameterSet.Empty, static (all, part) => all.With(part.Parameters));

    /// <inheritdoc/>
    public void Refresh()
    {
        foreach (var part in parts) part.Refresh();
    }

    /// <inheritdoc/>
    public IDisposable Use(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Values.Count != Parameters.Count) throw new ArgumentException($"'{policy.Name}' has {policy.Values.Count} values for {Parameters.Count} parameters", nameof(policy));
        var pieces = policy.Derived(this, () => new Pieces(policy, parts));
        return new All([.. parts.Zip(pieces.Policies, static (part, piece) => part.Use(piece))]);
    }

    /// <inheritdoc/>
    public IDisposable? UseReference()
    {
        List<IDisposable> used = [];
        foreach (var part in parts)
        {
            if (part.UseReference() is { } reference)
            {
                used.Add(reference);
                continue;
            }
            new All(used).Dispose();
            return null;
        }
        return new All(used);
    }

    /// <summary>The values of one of the parts.</summary>
    /// <param name="values">One tensor for each of <see cref="Parameters"/>, in order.</param>
    /// <param name="part">The number of the part.</param>
    public IReadOnlyList<Tensor> Of(IReadOnlyList<Tensor> values, int part) =>
        [.. values.Skip(parts.Take(part).Sum(static before => before.Parameters.Count)).Take(parts[part].Parameters.Count)];

    private sealed class Pieces(Policy whole, IReadOnlyList<ITrainable> parts) : IDisposable
    {
        public IReadOnlyList<Policy> Policies { get; } = Cut(whole, parts);

        public void Dispose()
        {
            foreach (var policy in Policies) policy.Dispose();
        }

        private static List<Policy> Cut(Policy whole, IReadOnlyList<ITrainable> parts)
        {
            List<Policy> cut = [];
            var first = 0;
            foreach (var part in parts)
            {
                cut.Add(new Policy(whole.Name, [.. whole.Values.Skip(first).Take(part.Parameters.Count)]));
                first += part.Parameters.Count;
            }
            return cut;
        }
    }

    // The last that was used is the first to be left.
    private sealed class All(IReadOnlyList<IDisposable> used) : IDisposable
    {
        public void Dispose()
        {
            for (var i = used.Count - 1; i >= 0; i--) used[i].Dispose();
        }
    }
}
