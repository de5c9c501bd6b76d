using System.Net;
using System.Net.Sockets;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>Services that are slow, busy or down.</summary>
public sealed class RetryTests
{
    [Fact]
    public async Task A_slow_first_answer_is_asked_for_again()
    {
        await using var server = await ScriptedServer.Start(static (context, number) =>
            number == 1 ? Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted) : ScriptedServer.Sample(context));
        Assert.Equal(4, RemoteCase.Score(RemoteCase.Settings(server.Url) with { Timeout = 2 }).Length);
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task A_body_that_stops_half_way_is_slow_too()
    {
        await using var server = await ScriptedServer.Start(static async (context, _) =>
        {
            await context.Response.WriteAsync("""{ "scores": [1, """);
            await context.Response.Body.FlushAsync();
            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
        });
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { Timeout = 0.3, Retries = 1 });
        Assert.Equal(FaultCodes.ServiceTooSlow, fault.Code);
        Assert.Equal($"reward 'judge': {server.Url} did not answer within 0.3 s in 2 attempts", fault.Message);
    }

    [Fact]
    public async Task A_connection_that_breaks_in_the_answer_is_asked_for_again()
    {
        await using var server = await ScriptedServer.Start(static async (context, number) =>
        {
            if (number == 1)
            {
                await context.Response.WriteAsync("""{ "scores": [1, """);
                await context.Response.Body.FlushAsync();
                // Long enough for the head to arrive, or the break would be one of the request.
                await Task.Delay(200);
                context.Abort();
                return;
            }
            await ScriptedServer.Sample(context);
        });
        Assert.Equal(4, RemoteCase.Score(RemoteCase.Settings(server.Url)).Length);
        Assert.Equal(2, server.Requests);
    }

    [Theory]
    [InlineData(StatusCodes.Status503ServiceUnavailable)]
    [InlineData(StatusCodes.Status429TooManyRequests)]
    [InlineData(StatusCodes.Status408RequestTimeout)]
    public async Task A_service_that_is_busy_twice_is_asked_three_times(int status)
    {
        await using var server = await ScriptedServer.Start((context, number) =>
        {
            if (number > 2) return ScriptedServer.Sample(context);
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        Assert.Equal(4, RemoteCase.Score(RemoteCase.Settings(server.Url) with { Retries = 2 }).Length);
        Assert.Equal(3, server.Requests);
    }

    [Theory]
    [InlineData(0, "1 attempt")]
    [InlineData(2, "3 attempts")]
    public async Task A_service_that_stays_down_is_a_fault_with_address_status_and_text(int retries, string attempts)
    {
        await using var server = await ScriptedServer.Says($"no\r\n\u001b[31mGPU {new string('x', 500)}", StatusCodes.Status503ServiceUnavailable);
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { Retries = retries });
        Assert.Equal(FaultCodes.ServiceRefused, fault.Code);
        Assert.Equal($"reward 'judge': {server.Url} answered 503 ServiceUnavailable in {attempts}: 'no   [31mGPU {new string('x', 187)}'", fault.Message);
        Assert.Equal(retries + 1, server.Requests);
    }

    [Fact]
    public async Task A_request_that_is_wrong_is_not_repeated()
    {
        await using var server = await ScriptedServer.Says("which pictures?", StatusCodes.Status400BadRequest);
        Assert.Contains("400 BadRequest in 1 attempt: 'which pictures?'", RemoteCase.Fault(RemoteCase.Settings(server.Url)).Message, StringComparison.Ordinal);
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task The_service_says_when_to_come_back()
    {
        await using var server = await ScriptedServer.Start((context, number) =>
        {
            if (number > 1) return ScriptedServer.Sample(context);
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = "3";
            return Task.CompletedTask;
        });
        var time = new Impatient(TimeSpan.FromSeconds(3));
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var reward = RemoteReward.Create(RemoteCase.Settings(server.Url), RemoteCase.Context(), time).Match(static made => made, static fault => throw new FaultException(fault));
        Assert.Equal([4], reward.Score(RemoteCase.Greys(4), RemoteCase.Captions(4)).shape);
        Assert.Equal(1, time.Waited);
        Assert.Equal(2, server.Requests);
    }

    /// <summary>A clock on which one wait, known by its length, is over at once.</summary>
    private sealed class Impatient(TimeSpan known) : TimeProvider
    {
        private int _waited;

        public int Waited => _waited;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != known) return base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _waited);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }

    [Theory]
    [InlineData("busy")]
    [InlineData("gone")]
    public async Task A_run_that_is_asked_to_stop_waits_for_no_other_attempt(string how)
    {
        using var stop = new CancellationTokenSource();
        await using var server = await ScriptedServer.Start((context, number) =>
        {
            if (how == "gone") context.Abort();
            else context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            // While the client waits for the next attempt, or is about to.
            _ = Task.Run(stop.Cancel);
            return Task.CompletedTask;
        });
        var settings = RemoteCase.Settings(server.Url) with { Retries = 10, Backoff = 100, LongestWait = 1000 };
        var scoring = Task.Run(() => RemoteCase.Score(settings, stop: stop.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scoring.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.True(scoring.IsCompleted);
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task An_attempt_under_way_still_gets_its_answer()
    {
        using var stop = new CancellationTokenSource();
        await using var server = await ScriptedServer.Start(async (context, _) =>
        {
            await stop.CancelAsync();
            await ScriptedServer.Sample(context);
        });
        Assert.Equal(4, RemoteCase.Score(RemoteCase.Settings(server.Url) with { Batch = 1, Concurrency = 1 }, stop: stop.Token).Length);
        Assert.Equal(4, server.Requests);
    }

    [Fact]
    public async Task A_service_that_asks_for_too_long_a_wait_is_down()
    {
        await using var server = await ScriptedServer.Says("full", StatusCodes.Status503ServiceUnavailable, static headers => headers.RetryAfter = "6");
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url));
        Assert.Equal(FaultCodes.ServiceRefused, fault.Code);
        Assert.Contains("503 ServiceUnavailable in 1 attempt and asks to wait 6 s, longer than longestWait: 'full'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_at_the_address_is_a_fault()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = $"http://{listener.LocalEndpoint}/score?key=secret";
        listener.Stop();
        var fault = RemoteCase.Fault(RemoteCase.Settings(url) with { Retries = 1 });
        Assert.Equal(FaultCodes.ServiceUnreachable, fault.Code);
        Assert.StartsWith($"reward 'judge': {url[..url.IndexOf('?')]} could not be reached in 2 attempts: ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_machine_has_is_a_fault()
    {
        var fault = RemoteCase.Fault(RemoteCase.Settings("http://nowhere.invalid/score") with { Retries = 0 });
        Assert.Equal(FaultCodes.ServiceUnreachable, fault.Code);
        Assert.Contains("nowhere.invalid", fault.Message, StringComparison.Ordinal);
    }
}
