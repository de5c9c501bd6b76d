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
    public static TelemetryReceiver Start()
    {
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is { Length: > 0 } there) return new(there, null);
        var address = $"http://127.0.0.1:{FreePort()}";
        return new(address, Process.Start(Environment.ProcessPath!, ["telemetry-receiver", address]));
    }

    /// <summary>Answers until the process is ended.</summary>
    public static Result<Unit> Serve(string address)
    {
        using var listener = new HttpListener();
        listener.Prefixes.Add($"{address}/");
        listener.Start();
        while (true)
        {
            var context = listener.GetContext();
            context.Request.InputStream.CopyTo(Stream.Null);
            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }

    public void Dispose()
    {
        _process?.Kill();
        _process?.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
