using System.Text;
using LeapAlign.Bench.Fuzz;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Tests;

/// <summary>What the fuzzer finds when there is something to find.</summary>
public sealed class FuzzRunTests
{
    [Fact]
    public void Every_way_to_fail_is_found_once_and_shrunk()
    {
        var report = Run(static text => text.Contains("x7", StringComparison.Ordinal)
            ? throw new InvalidOperationException($"'{text}' is odd")
            : text.Contains('y', StringComparison.Ordinal) ? throw new BrokenPropertyException("y was accepted") : text.Contains('z', StringComparison.Ordinal) ? "LA1002" : null);
        Assert.Equal(2, report.Failures.Count);
        var crash = report.Failures.Single(static failure => failure.Reason.StartsWith("InvalidOperationException: ", StringComparison.Ordinal));
        Assert.Equal("x7", Encoding.UTF8.GetString(crash.Input));
        Assert.Contains(nameof(FuzzRunTests), crash.Reason, StringComparison.Ordinal);
        Assert.Equal("y", Encoding.UTF8.GetString(report.Failures.Single(static failure => failure.Reason == "y was accepted").Input));
        Assert.True(report.Accepted > 0 && report.Faults["LA1002"] > 0);
    }

    [Fact]
    public void A_file_that_hangs_ends_the_run_and_is_named()
    {
        using var never = new ManualResetEventSlim();
        var report = Run(
            text =>
            {
                if (text.Contains('x', StringComparison.Ordinal)) never.Wait();
                return null;
            },
            TimeSpan.FromMilliseconds(300));
        never.Set();
        var failure = Assert.Single(report.Failures);
        Assert.Contains("took longer than 0.3 s", failure.Reason, StringComparison.Ordinal);
        Assert.Contains('x', Encoding.UTF8.GetString(failure.Input));
    }

    [Fact]
    public void A_corpus_is_tried_first_and_mutated_too()
    {
        var target = new Letters(static text => text.Length > 100 ? null : "LA1002");
        var report = new FuzzRun(target, [new byte[200]], TimeSpan.FromSeconds(30)).Run(seed: 1, count: 100);
        Assert.Equal(101, report.Tried);
        Assert.InRange(report.Accepted, 2, 100);
    }

    [Fact]
    public void A_run_that_died_is_told_to_the_next_one()
    {
        var target = new Letters(static _ => null);
        const long Seed = 987_654_321;
        using (var first = UnderWay.Begin(target, Seed, out var died))
        {
            Assert.Null(died);
            first.Note(41);
            first.Note(42);
            // The process is gone: the next one begins while the file is there.
            UnderWay.Begin(target, Seed, out died).Dispose();
            Assert.Equal(42, died);
        }
        UnderWay.Begin(target, Seed, out var none).Dispose();
        Assert.Null(none);
    }

    [Fact]
    public void What_failed_is_kept_under_the_name_of_its_content()
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-tests-").FullName;
        var corpus = new Corpus(Path.Combine(folder, "corpus"));
        Assert.Empty(corpus.Read());
        Assert.Equal(corpus.Keep([1, 2]), corpus.Keep([1, 2]));
        corpus.Keep([3]);
        Assert.Equal(2, corpus.Read().Count);
        Directory.Delete(folder, recursive: true);
    }

    private static FuzzReport Run(Func<string, string?> check, TimeSpan? limit = null) => new FuzzRun(new Letters(check), [], limit ?? TimeSpan.FromSeconds(30)).Run(seed: 1, count: 3000);

    private sealed class Letters(Func<string, string?> check) : IFuzzTarget
    {
        public string Name => "letters";

        public IReadOnlyList<byte[]> Seeds { get; } = ["abcdefgh"u8.ToArray()];

        public byte[] Mutate(byte[] seed, KeyedRandom random) => [.. seed, .. Enumerable.Range(0, 3).Select(_ => (byte)"ax7byz"[random.NextInt(0, 6)])];

        public string? Check(byte[] input) => check(Encoding.UTF8.GetString(input));
    }
}
