using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>A service that no web server would be: it answers each connection by a script, over a bare socket.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;
    private int _connections;

    private RawServer(Func<Socket, CancellationToken, Task> script)
    {
        _listener.Start();
        _serving = Serve(script);
    }

    /// <summary>Where pictures go.</summary>
    public string Url => $"http://{_listener.LocalEndpoint}/score";

    /// <summary>Connections that came.</summary>
    public int Connections => _connections;

    /// <summary>Starts a service.</summary>
    /// <param name="script">Answers one connection, after its request was read.</param>
    public static RawServer Start(Func<Socket, CancellationToken, Task> script) => new(script);

    /// <summary>Sends a text.</summary>
    public static async Task Send(Socket socket, string text, CancellationToken cancellation) => await socket.SendAsync(Encoding.Latin1.GetBytes(text), cancellation);

    /// <summary>Sends a text a byte at a time, so slowly that an attempt is over before the text is.</summary>
    public static async Task Drip(Socket socket, string text, CancellationToken cancellation)
    {
        foreach (var character in text)
        {
            await Send(socket, character.ToString(), cancellation);
            await Task.Delay(50, cancellation);
        }
    }

    /// <summary>Sends a text again and again, until the other side hangs up.</summary>
    public static async Task Repeat(Socket socket, string text, CancellationToken cancellation)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        while (true) await socket.SendAsync(bytes, cancellation);
    }

    /// <summary>Ends the connection as a process that is killed does.</summary>
    public static Task Reset(Socket socket)
    {
        socket.LingerState = new(enable: true, seconds: 0);
        socket.Close();
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        // In this order: a listener that is stopped refuses to accept with another exception.
        await _serving;
        _listener.Stop();
        _end.Dispose();
    }

    private async Task Serve(Func<Socket, CancellationToken, Task> script)
    {
        List<Task> answers = [];
        try
        {
            while (true) answers.Add(Answer(await _listener.AcceptSocketAsync(_end.Token), script));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(answers);
        }
    }

    private async Task Answer(Socket socket, Func<Socket, CancellationToken, Task> script)
    {
        using (socket)
        {
            Interlocked.Increment(ref _connections);
            try
            {
                await socket.ReceiveAsync(new byte[65_536], _end.Token);
                await script(socket, _end.Token);
            }
            catch (Exception gone) when (gone is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The reward hung up, which is what most tests wait for.
            }
        }
    }
}
