using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.PreferenceHuman;

namespace LeapAlign.Integration.Tests.Votes;

/// <summary>What reaches the page of votes over HTTP, and what does not.</summary>
public sealed class VoteServerTests : IDisposable
{
    private readonly ServedVotes _votes = new();

    [Fact]
    public async Task People_who_vote_over_http_are_heard()
    {
        var scores = await _votes.Begin(4);
        Assert.True(_votes.People.UnderWay);
        await Task.WhenAll(_votes.VoteAll("anna"), _votes.VoteAll("bert"));
        // A pair that the one took over to the other's end.
        await _votes.VoteAll("anna");
        Assert.Equal(2, (await scores).Sum(), 5);
        Assert.False(_votes.People.UnderWay);
        Assert.Matches(@"^people: votes are given at http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]{43}/$", _votes.Told[0]);
        Assert.Equal($"people waits for 6 votes at {_votes.Address}", _votes.Told[1]);
        // Who was told a moment ago is not told again.
        var more = await _votes.Begin(2, "a ring");
        await _votes.VoteAll("anna");
        await more;
        Assert.Equal(2, _votes.Told.Length);
        Assert.Empty(_votes.Warnings);
    }

    [Fact]
    public async Task Nobody_without_the_address_votes()
    {
        var scores = await _votes.Begin(2);
        var own = new Uri(_votes.Address);
        async Task Refused(HttpStatusCode status, Action<HttpRequestMessage> change, string? path = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path is null ? new Uri(own, "next") : new Uri(own, path)) { Content = new StringContent("""{ "voter": "eve" }""", Encoding.UTF8, "application/json") };
            change(request);
            using var answer = await _votes.Client.SendAsync(request);
            Assert.Equal(status, answer.StatusCode);
            Assert.DoesNotContain(answer.Headers, static header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }
        await Refused(HttpStatusCode.NotFound, static _ => { }, "/next");
        await Refused(HttpStatusCode.NotFound, static _ => { }, $"/{new Host.Live.LiveToken().Text}/next");
        await Refused(HttpStatusCode.Forbidden, request => request.Headers.Host = $"attacker.example:{own.Port}");
        await Refused(HttpStatusCode.Forbidden, static request => request.Headers.Add("Origin", "http://attacker.example"));
        await Refused(HttpStatusCode.Forbidden, static request => request.Headers.Add("Origin", "null"));
        await Refused(HttpStatusCode.Forbidden, static request => request.Headers.Add("Sec-Fetch-Site", "cross-site"));
        await Refused(HttpStatusCode.UnsupportedMediaType, static request => request.Content!.Headers.ContentType = new MediaTypeHeaderValue("text/plain"));
        await Refused(HttpStatusCode.UnsupportedMediaType, static request => request.Content!.Headers.ContentType = null);
        await Refused(HttpStatusCode.MethodNotAllowed, static request => request.Method = HttpMethod.Put);
        await Refused(HttpStatusCode.MethodNotAllowed, static request => request.Method = HttpMethod.Options);
        await Refused(HttpStatusCode.OK, request => request.Headers.Add("Origin", $"http://127.0.0.1:{own.Port}"));
        // Nobody was given the pair, and nobody has voted.
        Assert.Equal(0, (int)(await _votes.Next("anna"))["done"]!);
        Assert.False(scores.IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hundred_megabytes_are_refused_at_the_bound(bool saysSo)
    {
        var scores = await _votes.Begin(2);
        const long size = 100_000_000;
        using var socket = await Connected();
        var length = saysSo ? $"Content-Length: {size}" : "Transfer-Encoding: chunked";
        await socket.SendAsync(Encoding.ASCII.GetBytes(Head("vote", length)));
        long sent = 0;
        var chunk = new byte[16 * 1024];
        try
        {
            while (sent < size)
            {
                if (!saysSo) await socket.SendAsync(Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"));
                sent += await socket.SendAsync(chunk);
                if (!saysSo) await socket.SendAsync("\r\n"u8.ToArray());
                if (socket.Available > 0) break;
            }
        }
        catch (SocketException)
        {
            // It hung up on us.
        }
        // What was on the way is more than the bound, but not a hundred megabytes.
        Assert.InRange(sent, 1, 20_000_000);
        await _votes.VoteAll("anna");
        await scores;
        Assert.Empty(_votes.Warnings);
    }

    /// <summary>One that says half of a vote and goes, one that says half and stays, and those who say nothing.</summary>
    [Fact]
    public async Task Who_disconnects_or_dawdles_is_in_nobodys_way()
    {
        var scores = await _votes.Begin(3);
        using (var gone = await Connected()) await gone.SendAsync(Encoding.ASCII.GetBytes(Head("vote", "Content-Length: 100") + "{ \"voter\": "));
        using var stays = await Connected();
        await stays.SendAsync(Encoding.ASCII.GetBytes(Head("vote", "Content-Length: 100") + "{ \"voter\": "));
        using var half = await Connected();
        await half.SendAsync("POST /"u8.ToArray());
        using var silent = await Connected();
        await _votes.VoteAll("anna");
        Assert.Equal(1.5, (await scores).Sum(), 5);
        // Nor do they keep the run from ending.
        await Task.Run(_votes.End).WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAsync<HttpRequestException>(() => _votes.Next("anna"));
    }

    [Fact]
    public async Task Stopping_ends_the_wait()
    {
        var scores = await _votes.Begin(2);
        _votes.Stop();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scores.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.False(_votes.People.UnderWay);
    }

    [Fact]
    public void A_port_that_is_taken_is_a_fault_before_anything_is_asked()
    {
        var port = new Uri(_votes.Address).Port;
        Assert.False(_votes.Create(new PreferenceHumanSettings { Port = port }).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.PageNotServed, 2), (fault.Code, fault.ExitCode));
        Assert.Equal($"'people' cannot have port {port} of 127.0.0.1 for its page: another program has it; port 0 takes one that is free", fault.Message);
        // Whoever is told where to vote finds somebody there.
        Assert.Single(_votes.Told);
    }

    public void Dispose() => _votes.Dispose();

    private string Head(string path, string length)
    {
        var address = new Uri(_votes.Address);
        return $"POST {address.AbsolutePath}{path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\n{length}\r\n\r\n";
    }

    private async Task<Socket> Connected()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_votes.Address).Port);
        return socket;
    }
}
