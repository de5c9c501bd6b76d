using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using LeapAlign.Integration.Tests.Telemetry.Receivers.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Integration.Tests.Telemetry.Receivers;

/// <summary>An OTLP receiver on this machine, over gRPC and over HTTP, that keeps what comes.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OtlpReceiver(Func<Task> before)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static options =>
        {
            options.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2);
            options.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _server = builder.Build();
        _server.Use(async (_, next) =>
        {
            _first.TrySetResult();
            await before();
            await next();
        });
        _server.MapGrpcService<Traces>();
        _server.MapGrpcService<Metrics>();
        _server.MapGrpcService<Logs>();
        _server.MapPost("/v1/traces", context => Take(context, TracesMessage.Parser, message => TakenTraces.Enqueue(message)));
        _server.MapPost("/v1/metrics", context => Take(context, MetricsMessage.Parser, message => TakenMetrics.Enqueue(message)));
        _server.MapPost("/v1/logs", context => Take(context, LogsMessage.Parser, message => TakenLogs.Enqueue(message)));
    }

    public ConcurrentQueue<TracesMessage> TakenTraces { get; } = [];

    public ConcurrentQueue<MetricsMessage> TakenMetrics { get; } = [];

    public ConcurrentQueue<LogsMessage> TakenLogs { get; } = [];

    /// <summary>Ends when something comes for the first time.</summary>
    public Task First => _first.Task;

    /// <summary>Its address for a protocol.</summary>
    public string Address(string protocol) =>
        _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(protocol == "grpc" ? 0 : 1);

    /// <summary>Starts a receiver.</summary>
    /// <param name="before">What it does before it answers.</param>
    public static async Task<OtlpReceiver> Start(Func<Task>? before = null)
    {
        var receiver = new OtlpReceiver(before ?? (static () => Task.CompletedTask));
        await receiver._server.StartAsync();
        return receiver;
    }

    /// <summary>Stops at once, without an answer to what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(0);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }

    private static async Task Take<T>(HttpContext context, MessageParser<T> parser, Action<T> keep)
        where T : IMessage<T>
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        keep(parser.ParseFrom(body.ToArray()));
        context.Response.ContentType = "application/x-protobuf";
    }

    private sealed class Traces(OtlpReceiver receiver) : TraceService.TraceServiceBase
    {
        public override Task<Taken> Export(TracesMessage request, ServerCallContext context)
        {
            receiver.TakenTraces.Enqueue(request);
            return Task.FromResult(new Taken());
        }
    }

    private sealed class Metrics(OtlpReceiver receiver) : MetricsService.MetricsServiceBase
    {
        public override Task<Taken> Export(MetricsMessage request, ServerCallContext context)
        {
            receiver.TakenMetrics.Enqueue(request);
            return Task.FromResult(new Taken());
        }
    }

    private sealed class Logs(OtlpReceiver receiver) : LogsService.LogsServiceBase
    {
        public override Task<Taken> Export(LogsMessage request, ServerCallContext context)
        {
            receiver.TakenLogs.Enqueue(request);
            return Task.FromResult(new Taken());
        }
    }
}
