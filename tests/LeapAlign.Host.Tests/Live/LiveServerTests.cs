using System.Net;
using System.Net.NetworkInformation;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using LeapAlign.Host.Live;
using LeapAlign.Host.Tests.Commands;
using LeapAlign.Host.Tests.Reports;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Live;

/// <summary>The server, and what it tells in which order.</summary>
[Collection("process")]
public sealed class LiveServerTests : IDisposable
{
    private static readonly HurriedTime s_time = new();

    private readonly WrittenRun _run = new WrittenRun().Evaluation(0, 0.5).Step(1).Save();
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(30) };

    [Fact]
    public async Task It_serves_a_page_that_names_nothing_but_itself()
    {
        using var server = Start(Watched());
        var page = await _client.GetStringAsync(new Uri(server.Address));
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", page);
        foreach (var part in new[] { "style.css", "script.js" })
        {
            Assert.Contains($"\"{part}\"", page, StringComparison.Ordinal);
            Assert.NotEmpty(await _client.GetStringAsync(new Uri(server.Address + part)));
        }
        Assert.Equal(1, (int)JsonNode.Parse(await _client.GetStringAsync(new Uri(server.Address + "data")))!["report"]!["runs"]![0]!["done"]!);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri(server.Address + "../data"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri(server.Address + "run.json"))).StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("data")]
    [InlineData("events")]
    public async Task It_answers_nobody_without_the_address(string asked)
    {
        using var server = Start(Watched());
        var own = new Uri(server.Address);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri(own, $"/{asked}"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(new Uri(own, $"/{new LiveToken().Text}/{asked}"))).StatusCode);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, own + asked);
        rebound.Headers.Host = $"attacker.example:{own.Port}";
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.SendAsync(rebound)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await _client.PostAsync(new Uri(own + asked), null)).StatusCode);
    }

    [Fact]
    public void It_listens_to_this_machine_alone_whatever_the_surroundings_say()
    {
        string[] variables = ["ASPNETCORE_URLS", "DOTNET_URLS", "URLS", "ASPNETCORE_HTTP_PORTS", "Kestrel__Endpoints__Open__Url"];
        foreach (var variable in variables) Environment.SetEnvironmentVariable(variable, variable.Contains("PORTS", StringComparison.Ordinal) ? "0" : "http://0.0.0.0:0");
        try
        {
            var before = Listeners();
            using var server = Start(Watched());
            var opened = Assert.Single(Listeners().Except(before), end => end.Port == new Uri(server.Address).Port);
            Assert.Equal(IPAddress.Loopback, opened.Address);
            Assert.StartsWith("http://127.0.0.1:", server.Address, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var variable in variables) Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Fact]
    public async Task Pages_are_told_of_each_change_once_in_order_and_of_the_end_last()
    {
        var run = Watched();
        using var server = Start(run);
        await using var stream = await _client.GetStreamAsync(new Uri(server.Address + "events"));
        await using var events = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();
        for (var step = 1; step <= 3; step++)
        {
            if (step > 1) _run.Step(step).Save();
            var state = await Next(events, LiveEvents.Changed);
            Assert.Equal((step, step), ((int)state["step"]!, (int)state["revision"]!));
            // What was told of can be fetched.
            Assert.Equal(step, (int)JsonNode.Parse(await _client.GetStringAsync(new Uri(server.Address + "data")))!["report"]!["runs"]![0]!["done"]!);
        }
        _run.Step(4).Save();
        var ending = Task.Run(server.End);
        Assert.Equal(4, (int)(await Next(events, LiveEvents.Changed))["step"]!);
        var last = await Next(events, LiveEvents.End);
        Assert.Equal((4, 4), ((int)last["state"]!["step"]!, (int)last["report"]!["runs"]![0]!["done"]!));
        Assert.False(await events.MoveNextAsync());
        await ending;
        await Assert.ThrowsAsync<HttpRequestException>(() => _client.GetStringAsync(new Uri(server.Address)));
    }

    [Fact]
    public void A_port_that_is_taken_is_one_fault()
    {
        using var server = Start(Watched());
        var port = new Uri(server.Address).Port;
        LiveServer.Start(Watched(), port, TimeProvider.System).Fault(FaultCodes.BadOption, "command line", $"port {port}", "another program has it");
        LiveServer.Start(Watched(), 70_000, TimeProvider.System).Fault(FaultCodes.BadOption, "70000", "65535");
        LiveServer.Start(Watched(), -1, TimeProvider.System).Fault(FaultCodes.BadOption, "-1");
    }

    [Fact]
    public void Train_with_a_port_that_is_taken_does_not_begin()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        using var server = Start(Watched());
        var terminal = new TestTerminal();
        Assert.Equal(2, terminal.Run("none", "train", "-c", workspace.Config, "--dashboard", $"{new Uri(server.Address).Port}"));
        Assert.StartsWith("error LA1009: command line: ", terminal.Error, StringComparison.Ordinal);
        Assert.Null(terminal.Trained);
        Assert.Equal(2, new TestTerminal().Run("none", "watch", _run.Folder.Path, "--port", $"{new Uri(server.Address).Port}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Train_says_where_its_page_is_and_takes_it_down_at_the_end(bool asked)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal();
        string[] further = asked ? ["--dashboard"] : [];
        Assert.Equal(0, terminal.Run("none", ["train", "-c", workspace.Config, .. further]));
        Assert.Equal(asked, terminal.Trained!.Watched is not null);
        if (asked) Assert.Matches(@"^dashboard http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]{43}/\n", terminal.Output);
        else Assert.DoesNotContain("http", terminal.Output, StringComparison.Ordinal);
        Assert.True(terminal.Trained.Watched?.Ended.IsCompleted ?? true);
    }

    public void Dispose()
    {
        _client.Dispose();
        _run.Dispose();
    }

    private WatchedRun Watched() => WatchedRun.Of(_run.Folder, s_time);

    private static LiveServer Start(WatchedRun run) => LiveServer.Start(run, 0, s_time).Value();

    private static IEnumerable<IPEndPoint> Listeners() => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners();

    private static async Task<JsonNode> Next(IAsyncEnumerator<SseItem<string>> events, string kind)
    {
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(kind, events.Current.EventType);
        return JsonNode.Parse(events.Current.Data)!;
    }
}
