using System.Diagnostics;
using LeapAlign.Host.Profiling;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Tests.Telemetry;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Kernel;

/// <summary>What parts and the writer of checkpoints call from threads of their own.</summary>
[Collection(nameof(Listening))]
public sealed class ThreadTests : IDisposable
{
    private const int Threads = 8, Times = 2000;

    private readonly TestWorkspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Warnings_of_many_threads_are_all_counted_and_each_code_is_shown_once()
    {
        using var error = new StringWriter();
        var warnings = new Warnings(error);
        Together((thread, time) => warnings.Add(new Fault.Run($"LA{time % 100:D4}", $"warning of {thread}")));
        Assert.Equal(Threads * Times, warnings.All.Sum(static warning => warning.Count));
        Assert.Equal(100, error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Warnings_of_one_code_at_several_places_are_all_shown_each_once()
    {
        using var error = new StringWriter();
        var warnings = new Warnings(error);
        foreach (var key in (string[])["one", "other", "one"]) warnings.Add(new Fault.Input(FaultCodes.UnknownField, $"'{key}' is not a key of this file", new SourcePlace("config.json", Key: key)));
        Assert.Equal([("config.json one", 2), ("config.json other", 1)], warnings.All.Select(static warning => (warning.Place!, warning.Count)));
        Assert.Equal(2, error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Metrics_are_whole_while_another_thread_flushes_them()
    {
        var path = Path.Combine(_workspace.Folder, "metrics.jsonl");
        using (var metrics = MetricsFile.Create(path).Value())
        {
            using var end = new CancellationTokenSource();
            var flushing = Task.Run(() =>
            {
                while (!end.IsCancellationRequested)
                {
                    metrics.FlushToDisk().Value();
                    Assert.True(metrics.Length >= 0);
                }
            });
            for (var step = 0; step < 300; step++) metrics.Stepped(StepReports.Of(step)).Value();
            await end.CancelAsync();
            await flushing;
            Assert.Equal(new FileInfo(path).Length, metrics.Length);
        }
        Assert.Equal(Enumerable.Range(1, 300), RunHistory.Read(path).Value().Steps.Select(static step => step.Step));
    }

    [Fact]
    public void Spans_of_many_threads_are_all_added_up()
    {
        using var source = new ActivitySource("LeapAlign.ThreadTests");
        using var ledger = new SpanLedger(TorchSharp.torch.CPU);
        Together((thread, time) =>
        {
            using var outer = source.StartActivity($"outer {time % 10}");
            using var inner = source.StartActivity("inner");
        });
        Assert.Equal(Threads * Times, ledger.Rows["inner"].Count);
        Assert.Equal(Threads * Times, ledger.Rows.Where(static pair => pair.Key.StartsWith("outer", StringComparison.Ordinal)).Sum(static pair => pair.Value.Count));
    }

    // Threads of their own, which begin together: the pool would run them one after the other on a small machine.
    private static void Together(Action<int, int> action)
    {
        using var barrier = new Barrier(Threads);
        var failures = new List<Exception>();
        var threads = Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            barrier.SignalAndWait();
            try
            {
                for (var time = 0; time < Times; time++) action(number, time);
            }
            catch (Exception exception)
            {
                lock (failures) failures.Add(exception);
            }
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.Empty(failures);
    }
}
