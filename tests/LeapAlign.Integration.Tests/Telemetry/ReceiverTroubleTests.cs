using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Integration.Tests.Telemetry.Receivers;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>A receiver can be absent, slow or die: a run computes the same, waits for nothing and says so once.</summary>
public sealed class ReceiverTroubleTests : IDisposable
{
    private const int Slow = 30;
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task A_run_survives_every_trouble_with_its_receiver(string protocol)
    {
        var quiet = Finish("off", Start("off", protocol, null));
        Assert.DoesNotContain("warning", quiet.Error, StringComparison.Ordinal);

        Same("absent", Finish("absent", Start("absent", protocol, $"http://127.0.0.1:{ClosedPort()}")), "LA6001");

        await using (var slow = await OtlpReceiver.Start(static () => Task.Delay(TimeSpan.FromSeconds(Slow))))
        {
            Same("slow", Finish("slow", Start("slow", protocol, slow.Address(protocol))), "LA6002");
        }

        var dying = await OtlpReceiver.Start();
        var run = Start("dying", protocol, dying.Address(protocol));
        await dying.First.WaitAsync(TimeSpan.FromMinutes(2));
        await dying.DisposeAsync();
        Same("dying", Finish("dying", run), "LA6001");
    }

    public void Dispose() => _workspace.Dispose();

    private Process Start(string name, string protocol, string? receiver) => _workspace.Start(
        receiver is null ? [] : [$"OTEL_EXPORTER_OTLP_ENDPOINT={receiver}", $"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}"],
        ["train", "--name", name, "--set", "run.steps=4", "--set", "evaluation.every=2"]);

    /// <summary>Waits for the end; from the export of the model to the end of the process is no time for a receiver.</summary>
    private static Outcome Finish(string name, Process process)
    {
        using (process)
        {
            var error = process.StandardError.ReadToEndAsync();
            List<string> lines = [];
            var exported = 0L;
            while (process.StandardOutput.ReadLine() is { } line)
            {
                lines.Add(line);
                if (line.StartsWith("exported", StringComparison.Ordinal)) exported = Stopwatch.GetTimestamp();
            }
            process.WaitForExit();
            var outcome = new Outcome(process.ExitCode, string.Join('\n', lines), error.GetAwaiter().GetResult());
            Assert.True(outcome.ExitCode == 0, $"{name}: {outcome.Error}");
            Assert.InRange(Stopwatch.GetElapsedTime(exported).TotalSeconds, 0, Slow / 3);
            return outcome;
        }
    }

    private void Same(string name, Outcome outcome, string code)
    {
        Digest.AssertSame(_workspace.At("runs", "off"), _workspace.At("runs", name));
        var warning = Assert.Single(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"warning {code}: telemetry: http://127.0.0.1:", warning, StringComparison.Ordinal);
    }

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
