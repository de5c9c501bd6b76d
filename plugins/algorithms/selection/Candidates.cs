using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Selection;

/// <summary>What may be picked: texts that are written behind a caption, or adapters that the model computes with beside what is trained.</summary>
/// <param name="settings">The candidates, and how many are picked.</param>
internal sealed class Candidates(DroEmSettings settings)
{
    // Those of a run that names none.
    private static readonly IReadOnlyList<string> s_fragments = new DroEmSettings().Fragments;

    private readonly bool _areAdapters = settings.Adapters.Count > 0;
    private readonly IReadOnlyList<string> _all = settings.Adapters.Count > 0 ? settings.Adapters : settings.Fragments;

    /// <summary>N.</summary>
    public int Count => _all.Count;

    /// <summary>What one of them is called in measurements.</summary>
    public string Kind => _areAdapters ? "adapter" : "fragment";

    /// <summary>What is wrong with them; null for nothing.</summary>
    public string? Wrong()
    {
        if (_areAdapters && !settings.Fragments.SequenceEqual(s_fragments)) return "fragments and adapters are both given; candidates are one or the other";
        if (_all.Any(IsBlank)) return $"{Kind}s[{_all.ToList().FindIndex(IsBlank)}] is blank; {(_areAdapters ? "an adapter is named as in the candidates of the run's adapter, or \"\" to wear none" : "a fragment is some text, or \"\" to write nothing")}";
        if (_all.GroupBy(static candidate => candidate, StringComparer.Ordinal).FirstOrDefault(static group => group.Count() > 1)?.Key is { } twice) return $"'{twice}' is there twice among {Kind}s; each is a candidate of its own";
        if (_areAdapters && _all.Count < 2) return "there is one adapter, and nothing to pick from; \"\" beside it wears none";
        return _all.Count < settings.Picks ? $"picks is {settings.Picks}, and there are {_all.Count} {Kind}s; {(_areAdapters ? "an adapter is worn" : "a fragment is written")} once, so that picks can be no more" : null;

        static bool IsBlank(string candidate) => candidate.Length > 0 && string.IsNullOrWhiteSpace(candidate);
    }

    /// <summary>Says whether the run's adapter holds them. Before there is an adapter nothing is said of its candidates.</summary>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return !_areAdapters || shape.Candidates is not { } held || _all.FirstOrDefault(name => name.Length > 0 && !held.Contains(name, StringComparer.Ordinal)) is not { } unknown
            ? Unit.Value
            : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"dro-em: '{unknown}' is none of the candidates of the run's adapter, which are {string.Join(", ", held.Select(static name => $"'{name}'"))}");
    }

    /// <summary>The samples under what was picked for each.</summary>
    /// <param name="batch">B samples.</param>
    /// <param name="picks">For each the places of its candidates, in order.</param>
    public MicroBatch Under(MicroBatch batch, IReadOnlyList<int[]> picks) => _areAdapters
        ? batch.Wearing([.. picks.Select(Names)])
        : batch.Under([.. batch.Prompts.Zip(picks, (prompt, own) => Written(prompt.Text, own))]);

    /// <summary>A caption with what was picked behind it; as it is where adapters are picked.</summary>
    public string Written(string caption, int[] picks) => _areAdapters ? caption : string.Join(settings.Join, Names(picks).Prepend(caption));

    /// <summary>The adapters that were picked; null where texts are.</summary>
    public IReadOnlyList<string>? Worn(int[] picks) => _areAdapters ? Names(picks) : null;

    private string[] Names(int[] picks) => [.. picks.Select(pick => _all[pick]).Where(static candidate => candidate.Length > 0)];
}
