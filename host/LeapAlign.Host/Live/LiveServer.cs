using System.Net;
using System.Net.Sockets;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LeapAlign.Host.Live;

/// <summary>Serves the live page of a run to this machine, to those who have its address. Nothing waits for it, and it says nothing on the terminal.</summary>
internal sealed class LiveServer : IDisposable
{
    // What pages get to take in the end of the run.
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(2);

    private static readonly string[] s_scripts = ["morph.js", "renew.js", "live.js"];

    private readonly LiveToken _token = new();
    private readonly LiveGate _gate;
    private readonly WatchedRun _run;
    private readonly LiveEvents _events;
    private readonly WebApplication _application;

    private LiveServer(WatchedRun run, int port, TimeProvider time)
    {
        (_run, _gate, _events) = (run, new LiveGate(_token), new LiveEvents(run, time));
        // Empty: no variable and no file in the current folder makes it listen to anything else, and nothing logs.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        _application = builder.Build();
        _application.Run(Answer);
    }

    /// <summary>Where the page is, for a browser on this machine.</summary>
    public string Address => $"{_application.Urls.Single()}/{_token.Text}/";

    /// <summary>Starts.</summary>
    /// <param name="run">What it shows.</param>
    /// <param name="port">Where it listens; 0 takes any that is free.</param>
    /// <param name="time">The clock.</param>
    /// <returns><see cref="FaultCodes.BadOption"/> when it cannot listen there.</returns>
    public static Result<LiveServer> Start(WatchedRun run, int port, TimeProvider time)
    {
        if (port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort) return Misuse.Of($"{port} is no port: 0 to {IPEndPoint.MaxPort} was expected, where 0 takes any that is free");
        var server = new LiveServer(run, port, time);
        try
        {
            server._application.StartAsync().GetAwaiter().GetResult();
            return server;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            server.Dispose();
            return Misuse.Of($"the live page cannot have port {port} of 127.0.0.1: {(exception is IOException ? "another program has it" : exception.Message)}; without a number it takes one that is free");
        }
    }

    /// <summary>Tells open pages that the run has ended and shows them what it left, for as long as that takes, two seconds at most.</summary>
    public void End()
    {
        _run.End();
        Stop(s_farewell);
    }

    /// <summary>Stops at once.</summary>
    public void Dispose()
    {
        Stop(TimeSpan.Zero);
        ((IDisposable)_application).Dispose();
    }

    private void Stop(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        _application.StopAsync(limit.Token).GetAwaiter().GetResult();
    }

    private Task Answer(HttpContext context) => _gate.Admit(context) switch
    {
        null => Task.CompletedTask,
        "" => Text(context, "text/html", PageAssets.Read("live/live.html")),
        "style.css" => Text(context, "text/css", PageAssets.Style + PageAssets.Read("live/live.css")),
        "script.js" => Text(context, "text/javascript", PageAssets.Script + string.Concat(s_scripts.Select(static name => "\n" + PageAssets.Read($"live/{name}")))),
        "data" => Text(context, "application/json", _run.Data(context.Request.Query["pictures"].ToString()).ToJson()),
        "events" => TypedResults.ServerSentEvents(_events.Follow(context.RequestAborted)).ExecuteAsync(context),
        _ => Missing(context),
    };

    private static Task Text(HttpContext context, string type, string text)
    {
        context.Response.ContentType = $"{type}; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static Task Missing(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    // The one of the library would take Ctrl+C for itself.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
