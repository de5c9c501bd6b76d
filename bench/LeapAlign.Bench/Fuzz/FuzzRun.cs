using System.Diagnostics;
using System.Text.RegularExpressions;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Fuzz;

/// <summary>A file for which something does not hold.</summary>
/// <param name="Input">The file, shrunk.</param>
/// <param name="Reason">What does not hold.</param>
/// <param name="Number">The number of the mutant; -1 for one of the corpus.</param>
internal sealed record FuzzFailure(byte[] Input, string Reason, long Number);

/// <summary>What was tried.</summary>
/// <param name="Tried">Files.</param>
/// <param name="Accepted">Those that were accepted.</param>
/// <param name="Faults">How often each code came.</param>
/// <param name="Failures">One for each reason.</param>
/// <param name="Slowest">The longest that one file took.</param>
internal sealed record FuzzReport(long Tried, long Accepted, IReadOnlyDictionary<string, long> Faults, IReadOnlyList<FuzzFailure> Failures, TimeSpan Slowest);

/// <summary>
/// Tries files: those of the corpus as they are, then mutants of them and of the target's seeds. Mutant i is a function of the seed and i, so that one can
/// be tried alone.
/// </summary>
/// <param name="target">What is tried.</param>
/// <param name="corpus">Files that are tried first and mutated too.</param>
/// <param name="limit">The time that one file may take; a file that takes longer ends the run.</param>
internal sealed partial class FuzzRun(IFuzzTarget target, IReadOnlyList<byte[]> corpus, TimeSpan limit)
{
    private const int ShrinkingSteps = 2000;
    private readonly byte[][] _seeds = [.. target.Seeds, .. corpus];
    private readonly SortedDictionary<string, long> _faults = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FuzzFailure> _failures = new(StringComparer.Ordinal);
    private long _accepted, _tried, _since, _slowest;
    private byte[] _current = [];

    /// <summary>Called with the number of each mutant before it is tried.</summary>
    public Action<long> Begin { get; init; } = static _ => { };

    /// <summary>The mutant of a number.</summary>
    public byte[] Mutant(long seed, long number) => Mutant(RandomKey.OfRun(seed).For(target.Name, number).Open());

    /// <summary>Tries the corpus and mutants.</summary>
    public FuzzReport Run(long seed, long count)
    {
        // A thread of its own: one that hangs is left behind.
        var work = new Thread(() => Try(seed, count)) { IsBackground = true };
        Volatile.Write(ref _since, Stopwatch.GetTimestamp());
        work.Start();
        while (!work.Join(TimeSpan.FromMilliseconds(20)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _since)) < limit) continue;
            var hanging = new FuzzFailure(Volatile.Read(ref _current), $"took longer than {limit.TotalSeconds} s", Interlocked.Read(ref _tried) - corpus.Count);
            return Report([.. _failures.Values, hanging]);
        }
        return Report([.. _failures.Values]);
    }

    private void Try(long seed, long count)
    {
        foreach (var input in corpus) Try(input, -1L);
        for (var number = 0L; number < count; number++)
        {
            Begin(number);
            Try(Mutant(seed, number), number);
        }
    }

    private FuzzReport Report(IReadOnlyList<FuzzFailure> failures) =>
        new(_tried, _accepted, new SortedDictionary<string, long>(_faults, StringComparer.Ordinal), failures, TimeSpan.FromSeconds((double)_slowest / Stopwatch.Frequency));

    private byte[] Mutant(KeyedRandom random) => target.Mutate(_seeds[random.NextInt(0, _seeds.Length)], random);

    private void Try(byte[] input, long number)
    {
        var (reason, code) = Watched(input);
        _tried++;
        if (reason is not null)
        {
            var kind = Kind(reason);
            if (!_failures.ContainsKey(kind)) _failures[kind] = new(Shrinking.Shrink(input, ShrinkingSteps, smaller => Watched(smaller).Reason is { } other && Kind(other) == kind), reason, number);
        }
        else if (code is null)
        {
            _accepted++;
        }
        else
        {
            _faults[code] = _faults.GetValueOrDefault(code) + 1;
        }
    }

    private (string? Reason, string? Code) Watched(byte[] input)
    {
        Volatile.Write(ref _current, input);
        var started = Stopwatch.GetTimestamp();
        Volatile.Write(ref _since, started);
        try
        {
            return (null, target.Check(input));
        }
        catch (Exception thrown)
        {
            return (thrown is BrokenPropertyException ? thrown.Message : $"{thrown.GetType().Name}: {thrown.Message} {Where(thrown)}", null);
        }
        finally
        {
            _slowest = Math.Max(_slowest, Stopwatch.GetTimestamp() - started);
        }
    }

    private static string Where(Exception thrown) =>
        new StackTrace(thrown).GetFrames().Select(static frame => frame.GetMethod()).FirstOrDefault(static method => method?.DeclaringType?.Namespace?.StartsWith("LeapAlign.", StringComparison.Ordinal) ?? false)
            is { } method ? $"in {method.DeclaringType!.FullName}.{method.Name}" : "";

    // Two files that differ in a name or a number fail for the same reason.
    private static string Kind(string reason) => Particular().Replace(reason, "_");

    [GeneratedRegex("'.*'|[0-9]+", RegexOptions.Singleline)]
    private static partial Regex Particular();
}
