using System.Diagnostics;
using System.IO.Compression;
using System.Net.Sockets;
using System.Text;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>Services that do not speak HTTP as it should be: each ends in a fault that names reward and service, soon, and with little memory.</summary>
[Collection(nameof(LargeAnswerTests))]
public sealed class BrokenServiceTests
{
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    private const string Scores = """{ "scores": [1, 2, 3, 4] }""";

    public static TheoryData<string, string, Func<Socket, CancellationToken, Task>> Scripts => new()
    {
        { "resets the connection at once", FaultCodes.ServiceUnreachable, static (socket, _) => RawServer.Reset(socket) },
        { "hangs up without an answer", FaultCodes.ServiceUnreachable, static (_, _) => Task.CompletedTask },
        { "resets in the head", FaultCodes.ServiceUnreachable, static (socket, end) => Then(RawServer.Send(socket, "HTTP/1.1 200 O", end), socket) },
        { "resets in the body", FaultCodes.ServiceUnreachable, static (socket, end) => Then(RawServer.Send(socket, $"{Head}Content-Length: 100\r\n\r\n{Scores}", end), socket) },
        { "sends less than it said", FaultCodes.ServiceUnreachable, static (socket, end) => RawServer.Send(socket, $"{Head}Content-Length: 27\r\n\r\n{Scores}", end) },
        { "breaks off between chunks", FaultCodes.ServiceUnreachable, static (socket, end) => RawServer.Send(socket, $"{Head}Transfer-Encoding: chunked\r\n\r\n1a\r\n{Scores}\r\n", end) },
        { "sends chunks that are none", FaultCodes.ServiceUnreachable, static (socket, end) => RawServer.Send(socket, $"{Head}Transfer-Encoding: chunked\r\n\r\nmany\r\n{Scores}\r\n0\r\n\r\n", end) },
        { "does not speak HTTP", FaultCodes.ServiceUnreachable, static (socket, end) => RawServer.Send(socket, "SSH-2.0-OpenSSH_9.2\r\n", end) },
        { "sends a head without end", FaultCodes.ServiceUnreachable, static (socket, end) => Then(RawServer.Send(socket, Head, end), () => RawServer.Repeat(socket, $"X-Padding: {new string('x', 1000)}\r\n", end)) },
        { "drips the head", FaultCodes.ServiceTooSlow, static (socket, end) => RawServer.Drip(socket, Head + new string('x', 1000), end) },
        { "drips the body", FaultCodes.ServiceTooSlow, static (socket, end) => Then(RawServer.Send(socket, $"{Head}Content-Length: 1000\r\n\r\n", end), () => RawServer.Drip(socket, new string(' ', 1000), end)) },
        { "drips chunks", FaultCodes.ServiceTooSlow, static (socket, end) => Then(RawServer.Send(socket, $"{Head}Transfer-Encoding: chunked\r\n\r\n", end), () => RawServer.Drip(socket, string.Concat(Enumerable.Repeat("1\r\n \r\n", 1000)), end)) },
        { "promises for ever", FaultCodes.ServiceUnreachable, static (socket, end) => RawServer.Repeat(socket, "HTTP/1.1 103 Early Hints\r\n\r\n", end) },
        { "sends chunks without end", FaultCodes.AnswerTooLarge, static (socket, end) => Then(RawServer.Send(socket, $"{Head}Transfer-Encoding: chunked\r\n\r\n", end), () => RawServer.Repeat(socket, $"1000\r\n{new string(' ', 4096)}\r\n", end)) },
        { "sends a body without end", FaultCodes.AnswerTooLarge, static (socket, end) => Then(RawServer.Send(socket, $"{Head}\r\n", end), () => RawServer.Repeat(socket, new string(' ', 4096), end)) },
    };

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task A_service_that_breaks_the_protocol_ends_in_a_fault(string what, string code, Func<Socket, CancellationToken, Task> script)
    {
        await using var server = RawServer.Start(script);
        var watch = Stopwatch.StartNew();
        var allocated = GC.GetTotalAllocatedBytes();
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { Timeout = code == FaultCodes.ServiceTooSlow ? 0.5 : 15, Retries = 1 });
        Assert.True(fault.Code == code, $"a service that {what}: {fault}");
        Assert.StartsWith($"reward 'judge': {server.Url} ", fault.Message, StringComparison.Ordinal);
        // Two attempts of half a second where time is what ends them, on a machine that has other things to do.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"a service that {what}: the fault took {watch.Elapsed}");
        Assert.True(GC.GetTotalAllocatedBytes() - allocated < 200_000_000, $"a service that {what}: {GC.GetTotalAllocatedBytes() - allocated} bytes");
        // One that answers too much is not asked again.
        Assert.Equal(code == FaultCodes.AnswerTooLarge ? 1 : 2, server.Connections);
    }

    [Fact]
    public async Task A_redirect_to_itself_is_not_followed()
    {
        await using var server = await ScriptedServer.Start(static (context, _) =>
        {
            context.Response.Redirect(context.Request.Path, permanent: false, preserveMethod: true);
            return Task.CompletedTask;
        });
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url));
        Assert.Equal(FaultCodes.ServiceRefused, fault.Code);
        Assert.Contains($"{server.Url} answered 307 RedirectKeepVerb in 1 attempt; redirects are not followed", fault.Message, StringComparison.Ordinal);
        Assert.Equal(1, server.Requests);
    }

    /// <summary>A thousand times smaller on the wire than in memory. Nothing is asked for compressed, so nothing is unpacked.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task A_compressed_answer_is_not_unpacked(string coding)
    {
        var accepted = "";
        await using var server = await ScriptedServer.Start(async (context, _) =>
        {
            accepted = context.Request.Headers.AcceptEncoding.ToString();
            context.Response.Headers.ContentEncoding = coding;
            await context.Response.Body.WriteAsync(Bomb(coding));
        });
        var allocated = GC.GetTotalAllocatedBytes();
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url));
        Assert.True(fault.Code == FaultCodes.BadAnswer, fault.ToString());
        Assert.Contains("what is not JSON", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(fault.Message, char.IsControl);
        Assert.Equal("", accepted);
        Assert.InRange(GC.GetTotalAllocatedBytes() - allocated, 0, 50_000_000);
    }

    private static byte[] Bomb(string coding)
    {
        using var packed = new MemoryStream();
        using (Stream stream = coding switch { "gzip" => new GZipStream(packed, CompressionLevel.Fastest), "br" => new BrotliStream(packed, CompressionLevel.Fastest), _ => new ZLibStream(packed, CompressionLevel.Fastest) })
        {
            var piece = Encoding.ASCII.GetBytes(new string(' ', 1 << 20));
            for (var megabyte = 0; megabyte < 100; megabyte++) stream.Write(piece);
            stream.Write(Encoding.ASCII.GetBytes(Scores));
        }
        return packed.ToArray();
    }

    private static Task Then(Task first, Socket socket) => Then(first, () => RawServer.Reset(socket));

    private static async Task Then(Task first, Func<Task> second)
    {
        await first;
        await second();
    }
}
