using System.Net;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Host.Live;

/// <summary>Serves the live page of a run to this machine, to those who have its address. Nothing waits for it, and it says nothing on the terminal.</summary>
internal sealed class LiveServer : IDisposable
{
    // What pages get to take in the end of the run.
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(2);

    private static readonly string[] s_scripts = ["morph.js", "renew.js", "live.js"];

    private readonly WatchedRun _run;
    private readonly LocalServer _server;

    private LiveServer(WatchedRun run, LocalServer server) => (_run, _server) = (run, server);

    /// <summary>Where the page is, for a browser on this machine.</summary>
    public string Address => _server.Address;

    /// <summary>Starts.</summary>
    /// <param name="run">What it shows.</param>
    /// <param name="port">Where it listens; 0 takes any that is free.</param>
    /// <param name="time">The clock.</param>
    /// <returns><see cref="FaultCodes.BadOption"/> when it cannot listen there.</returns>
    public static Result<LiveServer> Start(WatchedRun run, int port, TimeProvider time)
    {
        if (port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort) return Misuse.Of($"{port} is no port: 0 to {IPEndPoint.MaxPort} was expected, where 0 takes any that is free");
        var events = new LiveEvents(run, time);
        return LocalServer.Start(
            port,
            takesPosts: false,
            (context, asked) => Answer(run, events, context, asked),
            why => Misuse.Of($"the live page cannot have port {port} of 127.0.0.1: {why}; without a number it takes one that is free")).Map(server => new LiveServer(run, server));
    }

    /// <summary>Tells open pages that the run has ended and shows them what it left, for as long as that takes, two seconds at most.</summary>
    public void End()
    {
        _run.End();
        _server.Stop(s_farewell);
    }

    /// <summary>Stops at once.</summary>
    public void Dispose() => _server.Dispose();

    private static Task Answer(WatchedRun run, LiveEvents events, HttpContext context, string asked) => asked switch
    {
        "" => LocalServer.Text(context, "text/html", PageAssets.Read("live/live.html")),
        "style.css" => LocalServer.Text(context, "text/css", PageAssets.Style + PageAssets.Read("live/live.css")),
        "script.js" => LocalServer.Text(context, "text/javascript", PageAssets.Script + string.Concat(s_scripts.Select(static name => "\n" + PageAssets.Read($"live/{name}")))),
        "data" => LocalServer.Text(context, "application/json", run.Data(context.Request.Query["pictures"].ToString()).ToJson()),
        "events" => TypedResults.ServerSentEvents(events.Follow(context.RequestAborted)).ExecuteAsync(context),
        _ => Missing(context),
    };

    private static Task Missing(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
