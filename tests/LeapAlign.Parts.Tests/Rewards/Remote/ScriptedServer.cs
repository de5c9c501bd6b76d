using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>The sample service on a free port of this machine, with answers that a test can replace.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private int _requests;

    private ScriptedServer(WebApplication application) => _application = application;

    /// <summary>Where pictures go.</summary>
    public string Url => $"{_application.Urls.Single()}/score";

    /// <summary>Requests that came.</summary>
    public int Requests => _requests;

    /// <summary>What the Authorization headers were, in the order of arrival.</summary>
    public ConcurrentQueue<string> Authorizations { get; } = new();

    /// <summary>Starts a service.</summary>
    /// <param name="script">Takes the number of the request, from 1, and answers it; null leaves all to the sample.</param>
    /// <param name="token">The token that the sample asks for.</param>
    public static async Task<ScriptedServer> Start(Func<HttpContext, int, Task>? script = null, string? token = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var application = builder.Build();
        var server = new ScriptedServer(application);
        application.Use(async (context, next) =>
        {
            var number = Interlocked.Increment(ref server._requests);
            server.Authorizations.Enqueue(context.Request.Headers.Authorization.ToString());
            if (script is null) await next(context);
            else await script(context, number);
        });
        SampleRewardServer.Map(application, token);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    /// <summary>Starts a service that gives every request the same text.</summary>
    public static Task<ScriptedServer> Says(string body, int status = StatusCodes.Status200OK, Action<IHeaderDictionary>? headers = null) => Start((context, _) =>
    {
        context.Response.StatusCode = status;
        headers?.Invoke(context.Response.Headers);
        return context.Response.WriteAsync(body, context.RequestAborted);
    });

    /// <summary>Answers as the sample does.</summary>
    public static Task Sample(HttpContext context) => SampleRewardServer.Answer(context, token: null);

    public async ValueTask DisposeAsync()
    {
        // Requests that a test left hanging end with their connections.
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _application.StopAsync(soon.Token);
        await _application.DisposeAsync();
    }
}
