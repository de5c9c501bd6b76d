using LeapAlign.Adapters.Files;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Adapters.Lora;

/// <summary>Adapters that samples may wear, as the layers compute with them: factors in the precision of the run, the scale in B. Nothing of them is trained.</summary>
internal sealed class LoraCandidates : IDisposable
{
    private readonly Dictionary<string, IReadOnlyDictionary<string, (Tensor A, Tensor B)>> _factors = new(StringComparer.Ordinal);
    private readonly List<Worn> _uses = [];

    private LoraCandidates(IReadOnlyList<string> names) => Names = names;

    /// <summary>Their names, in the order of the settings.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>None.</summary>
    public static LoraCandidates None() => new([]);

    /// <summary>Reads them.</summary>
    /// <param name="candidates">Their names, files and scales.</param>
    /// <param name="sites">The layers of the model.</param>
    /// <param name="where">Resolves a path, and says where and in which precision the layers compute.</param>
    /// <param name="warn">Is told what the reader of a file warns of.</param>
    /// <param name="part">The part's name, for messages.</param>
    /// <returns>A fault where a name is there twice, or a file cannot be read or is of another model.</returns>
    public static Result<LoraCandidates> Read(IReadOnlyList<LoraCandidate> candidates, IReadOnlyList<AdapterSite> sites, (Func<string, string> Resolve, Device Device, ScalarType Type) where, Action<Fault> warn, string part)
    {
        if (candidates.Select(static candidate => candidate.Name).GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static group => group.Count() > 1)?.Key is { } twice)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{part}: two candidates are called '{twice}'");
        var read = new LoraCandidates([.. candidates.Select(static candidate => candidate.Name)]);
        foreach (var candidate in candidates)
        {
            if (!LoraFile.Read(where.Resolve(candidate.From), sites, warn).TryGet(out var weights, out var fault))
            {
                read.Dispose();
                return fault;
            }
            using (weights) read._factors.Add(candidate.Name, weights.Modules.ToDictionary(static module => module.Key, module => Scaled(module.Value, candidate.Scale, where.Device, where.Type), StringComparer.Ordinal));
        }
        return read;
    }

    /// <summary>The layers that one of them has factors for.</summary>
    public bool Has(AdapterSite site) => _factors.Values.Any(layers => layers.ContainsKey(site.Name));

    /// <summary>A and B of a layer for each of those that are worn now and have some, one after another.</summary>
    public IReadOnlyList<Tensor> At(string layer)
    {
        if (_uses.Count == 0 || _uses[^1].Names.Count == 0) return [];
        List<Tensor> found = [];
        // In the order of the settings, so that sums do not depend on the order of the names.
        foreach (var name in Names)
        {
            if (_uses[^1].Names.Contains(name) && _factors[name].TryGetValue(layer, out var factors)) found.AddRange([factors.A, factors.B]);
        }
        return found;
    }

    /// <summary>See <see cref="ICandidateAdapters.Wear"/>.</summary>
    public IDisposable Wear(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.FirstOrDefault(name => !_factors.ContainsKey(name)) is { } unknown) throw new ArgumentException($"'{unknown}' is none of the candidates", nameof(names));
        return new Worn(_uses, names.ToHashSet(StringComparer.Ordinal));
    }

    public void Dispose()
    {
        foreach (var (a, b) in _factors.Values.SelectMany(static layers => layers.Values))
        {
            a.Dispose();
            b.Dispose();
        }
        _factors.Clear();
    }

    private static (Tensor A, Tensor B) Scaled(LoraFactors factors, double scale, Device device, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return (factors.A.to(type, device, copy: true).DetachFromDisposeScope(), (factors.B.to(ScalarType.Float64) * (factors.Scale * scale)).to(type, device, copy: true).DetachFromDisposeScope());
    }

    private sealed class Worn : IDisposable
    {
        private readonly List<Worn> _all;

        public Worn(List<Worn> all, HashSet<string> names)
        {
            (_all, Names) = (all, names);
            all.Add(this);
        }

        public HashSet<string> Names { get; }

        public void Dispose() => _all.Remove(this);
    }
}
