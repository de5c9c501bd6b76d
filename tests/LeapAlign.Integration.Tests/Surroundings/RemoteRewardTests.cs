using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Surroundings;

/// <summary>A run whose remote reward is asked of a service that is broken: it ends, with a fault that names reward and service.</summary>
public sealed class RemoteRewardTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("LA6002", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", " ", 100)]
    [InlineData("LA6005", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "400\r\n(1024)\r\n", 0)]
    [InlineData("LA6001", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{ \"scores\": [", null, 0)]
    [InlineData("LA6004", "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{ \"scores\": [1, NaN] }", null, 0)]
    public async Task A_run_ends_with_a_fault(string code, string head, string? again, int pause)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var serving = Serve(listener, head, again?.Replace("(1024)", new string(' ', 1024), StringComparison.Ordinal), pause, end.Token);

        var url = $"http://{listener.LocalEndpoint}/score";
        _workspace.Json["rewards"]!.AsArray().Add((JsonNode)new JsonObject
        {
            ["id"] = "remote",
            ["name"] = "far",
            ["role"] = "heldOut",
            ["settings"] = new JsonObject { ["url"] = url, ["timeout"] = code == "LA6002" ? 0.5 : 20, ["retries"] = 1, ["backoff"] = 0.01, ["maxResponseBytes"] = 10_000 },
        });
        _workspace.Save();
        var watch = Stopwatch.StartNew();
        var outcome = await Task.Run(() => _workspace.Leapalign("train", "--set", "run.steps=1"), TestContext.Current.CancellationToken);
        await end.CancelAsync();
        await serving;

        Assert.True(outcome.ExitCode == 6, outcome.Error);
        var error = Assert.Single(outcome.Error.Split('\n'), static line => line.StartsWith("error ", StringComparison.Ordinal));
        Assert.StartsWith($"error {code}", error, StringComparison.Ordinal);
        Assert.Contains($"reward 'far': {url} ", error, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(2), $"the run took {watch.Elapsed}");
    }

    /// <summary>Answers every connection with a head, and then with the same again and again until the other side hangs up; null hangs up itself.</summary>
    private static async Task Serve(TcpListener listener, string head, string? again, int pause, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using var socket = await listener.AcceptSocketAsync(cancellation);
                await socket.ReceiveAsync(new byte[65_536], cancellation);
                await socket.SendAsync(Encoding.ASCII.GetBytes(head), cancellation);
                while (again is not null)
                {
                    await socket.SendAsync(Encoding.ASCII.GetBytes(again), cancellation);
                    await Task.Delay(pause, cancellation);
                }
            }
            catch (Exception gone) when (gone is OperationCanceledException or SocketException)
            {
                // The next connection, or the end of the test.
            }
        }
    }
}
