using System.Net;
using System.Net.Sockets;
using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>A service that answers without end. Allocations are counted for the whole process, so nothing else may run.</summary>
[CollectionDefinition(nameof(LargeAnswerTests), DisableParallelization = true)]
[Collection(nameof(LargeAnswerTests))]
public sealed class LargeAnswerTests
{
    private const int Size = 100_000_000;
    private const int Limit = 1_000_000;

    [Theory]
    [InlineData("Content-Length: 100000000")]
    [InlineData("Connection: close")]
    public async Task A_body_of_100_MB_is_cut_off_at_the_limit(string header)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var sending = Send(listener, $"HTTP/1.1 200 OK\r\n{header}\r\n\r\n", TestContext.Current.CancellationToken);
        var url = $"http://{listener.LocalEndpoint}/score";

        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var fault = RemoteCase.Fault(RemoteCase.Settings(url) with { MaxResponseBytes = Limit });
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;

        Assert.Equal(FaultCodes.AnswerTooLarge, fault.Code);
        Assert.Equal($"reward 'judge': {url} answered with more than maxResponseBytes (1000000 bytes)", fault.Message);
        // What the sockets of both sides hold is sent as well.
        Assert.InRange(await sending, Limit, Size / 2);
        Assert.True(allocated < 12 * Limit, $"{allocated} bytes were allocated");
    }

    /// <summary>Answers the first request over a bare socket: a server of its own would count bytes that it throws away.</summary>
    /// <returns>How many bytes were sent before the other side hung up.</returns>
    private static async Task<long> Send(TcpListener listener, string head, CancellationToken cancellation)
    {
        using var socket = await listener.AcceptSocketAsync(cancellation);
        await socket.ReceiveAsync(new byte[65_536], cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(head), cancellation);
        var piece = Encoding.ASCII.GetBytes(new string(' ', 65_536));
        var sent = 0L;
        try
        {
            while (sent < Size) sent += await socket.SendAsync(piece.AsMemory(0, (int)Math.Min(piece.Length, Size - sent)), cancellation);
        }
        catch (SocketException)
        {
            return sent;
        }
        return sent;
    }
}
