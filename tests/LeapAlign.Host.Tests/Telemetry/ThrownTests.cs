using System.Collections.Concurrent;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>An exception becomes a fault in one way: a line in the fault, the whole in the log.</summary>
public sealed class ThrownTests
{
    [Theory]
    [InlineData(LogLevel.Debug)]
    [InlineData(LogLevel.Information)]
    public void The_fault_has_a_line_and_the_log_the_whole_at_debug(LogLevel level)
    {
        using var logged = new Collector(level);
        Thrown.LogTo(logged);
        var key = $"reason {Guid.NewGuid():N}";
        var fault = Catch(() => Throws(key)).ToFault(static (type, message) => new Fault.Run(FaultCodes.StepThrew, $"threw {type}: {message}"));
        Assert.Equal($"threw InvalidOperationException: {key} second line \\u001b[2J", fault.Message);
        var texts = logged.Texts.Where(text => text.Contains(key, StringComparison.Ordinal)).ToList();
        if (level == LogLevel.Information)
        {
            Assert.Empty(texts);
            return;
        }
        var text = Assert.Single(texts);
        Assert.StartsWith("LA5004: System.InvalidOperationException", text, StringComparison.Ordinal);
        Assert.Contains($"{nameof(ThrownTests)}.{nameof(Throws)}", text, StringComparison.Ordinal);
        Assert.Contains("FormatException: the cause", text, StringComparison.Ordinal);
        Assert.Contains("\\u001b[2J", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public void No_other_place_of_the_host_takes_the_type_of_an_exception_for_a_fault()
    {
        // The command line prints it, run.json, doctor and the witness of a process that ends say it, and Thrown is the way.
        string[] allowed = ["Thrown.cs", "CommandLine.cs", "RunReport.cs", "Finding.cs", "Witness.cs"];
        var taking = Directory.EnumerateFiles(Path.Combine(Repository.Root, "host"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(static file => File.ReadAllText(file).Contains(".GetType().Name", StringComparison.Ordinal)).Select(static file => Path.GetFileName(file)).Order(StringComparer.Ordinal);
        Assert.Equal(allowed.Order(StringComparer.Ordinal), taking);
    }

    private static void Throws(string key) => throw new InvalidOperationException($"{key}\nsecond line \u001b[2J\nException raised from check at /pytorch/x.cpp:1 (most recent call first):\nframe #0: f()", new FormatException("the cause"));

    private static Exception Catch(Action action)
    {
        try
        {
            action();
        }
        catch (InvalidOperationException exception)
        {
            return exception;
        }
        throw new Xunit.Sdk.XunitException("nothing was thrown");
    }

    private sealed class Collector(LogLevel least) : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Texts { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Texts.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
