using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>A receiver in a process of its own, which takes what comes over HTTP and says so.</summary>
internal sealed class TelemetryReceiver : IDisposable
{
    private readonly Process? _process;

    private TelemetryReceiver(string address, Process? process) => (Address, _process) = (address, process);

    /// <summary>Where it listens.</summary>
    public string Address { get; }

    /// <summary>Starts one, unless OTEL_EXPORTER_OTLP_ENDPOINT names one that takes http/protobuf.</summary>
    public static TelemetryReceiver Start() => Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } there ? new(there, null) : StartOwn(0);

    /// <summary>Starts one of this program.</summary>
    /// <param name="seconds">How long it takes to answer.</param>
    public static TelemetryReceiver StartOwn(int seconds)
    {
        var address = FreeAddress();
        return new(address, Process.Start(Environment.ProcessPath!, ["telemetry-receiver", address, $"{seconds}"]));
    }

    /// <summary>The address of one that is not there.</summary>
    public static TelemetryReceiver Absent() => new(FreeAddress(), null);

    /// <summary>Answers until the process is ended.</summary>
    /// <param name="address">Where.</param>
    /// <param name="seconds">How long that takes.</param>
    public static Result<Unit> Serve(string address, int seconds)
    {
        using var listener = new HttpListener();
        listener.Prefixes.Add($"{address}/");
        listener.Start();
        while (true) _ = Answer(listener.GetContext(), TimeSpan.FromSeconds(seconds));
    }

    /// <summary>Ends it at once.</summary>
    public void Dispose()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
    }

    private static async Task Answer(HttpListenerContext context, TimeSpan after)
    {
        await context.Request.InputStream.CopyToAsync(Stream.Null);
        await Task.Delay(after);
        context.Response.ContentType = "application/x-protobuf";
        context.Response.Close();
    }

    private static string FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }
}
