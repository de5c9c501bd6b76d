using System.Net;
using System.Net.Sockets;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LeapAlign.Host.Live;

/// <summary>
/// Listens to this machine alone, behind a <see cref="LiveGate"/>: what shows a run live, and what parts ask people on. Nothing waits for it, and it says nothing on the
/// terminal.
/// </summary>
internal sealed class LocalServer : IDisposable
{
    /// <summary>The largest body of a request, in bytes.</summary>
    public const int LargestBody = 64 * 1024;

    // More than pages of one machine need; what goes on beside a run must not take its memory.
    private const int MostConnections = 256;

    private readonly LiveToken _token = new();
    private readonly WebApplication _application;

    private LocalServer(int port, bool takesPosts, Func<HttpContext, string, Task> answer)
    {
        var gate = new LiveGate(_token, takesPosts);
        // Empty: no variable and no file in the current folder makes it listen to anything else, and nothing logs.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = LargestBody;
            options.Limits.MaxConcurrentConnections = MostConnections;
            options.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        _application = builder.Build();
        _application.Run(context => gate.Admit(context) is { } asked ? answer(context, asked) : Task.CompletedTask);
    }

    /// <summary>Where it is, for a browser on this machine.</summary>
    public string Address => $"{_application.Urls.Single()}/{_token.Text}/";

    /// <summary>Starts.</summary>
    /// <param name="port">Where it listens; 0 takes any that is free.</param>
    /// <param name="takesPosts">Whether something can be changed through it.</param>
    /// <param name="answer">Answers what was let in, given what stands behind the token.</param>
    /// <param name="refused">The fault when it cannot listen there, given why.</param>
    public static Result<LocalServer> Start(int port, bool takesPosts, Func<HttpContext, string, Task> answer, Func<string, Fault> refused)
    {
        var server = new LocalServer(port, takesPosts, answer);
        try
        {
            server._application.StartAsync().GetAwaiter().GetResult();
            return server;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            server.Dispose();
            return Result.Fail<LocalServer>(refused(exception is IOException ? "another program has it" : exception.Message));
        }
    }

    /// <summary>Answers with a text.</summary>
    public static Task Text(HttpContext context, string type, string text)
    {
        context.Response.ContentType = $"{type}; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>Stops.</summary>
    /// <param name="patience">What answers under way get to come to their end.</param>
    public void Stop(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        _application.StopAsync(limit.Token).GetAwaiter().GetResult();
    }

    /// <summary>Stops at once.</summary>
    public void Dispose()
    {
        Stop(TimeSpan.Zero);
        ((IDisposable)_application).Dispose();
    }

    // The one of the library would take Ctrl+C for itself.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
