using System.Diagnostics;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using Microsoft.AspNetCore.Http;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.VlmJudge.Tests;

/// <summary>Services that are down, slow or lying: each is a fault that names reward and service, whatever <c>missing</c> says.</summary>
public sealed class ServiceTests
{
    [Fact]
    public void The_plugin_offers_a_reward_without_gradient_and_reads_its_settings()
    {
        var part = Assert.Single(new VlmJudgePlugin().Parts);
        Assert.Equal((PartKinds.Reward, "vlm-judge"), (part.Kind, part.Id));
        var settings = Assert.IsType<VlmJudgeSettings>(part.ReadSettings("""{ "url": "http://x/v1", "model": "m", "rubric": "r.txt", "missing": "skip", "concurrency": 9 }"""));
        Assert.Equal(new VlmJudgeSettings { Url = "http://x/v1", Model = "m", Rubric = "r.txt", Missing = MissingAnswer.Skip, Concurrency = 9 }, settings);
        Assert.Equal((MissingAnswer.Fail, false, null, 30.0, 3, 1 << 20), (new VlmJudgeSettings { Url = "", Model = "", Rubric = "" }.Missing, settings.AllowInsecure, settings.Cache, settings.Timeout, settings.Retries, settings.MaxResponseBytes));
        Assert.DoesNotContain(Capabilities.DifferentiableReward, part.Provides(settings));
        Assert.Throws<System.Text.Json.JsonException>(() => part.ReadSettings("""{ "url": "http://x/v1", "model": "m" }"""));
        using var judge = new JudgeCase();
        using var reward = judge.Create(JudgeCase.Settings("http://127.0.0.1/v1")).Match(static made => made, static fault => throw new FaultException(fault));
        Assert.Equal((0.0, 1.0), (reward.Range.Lowest, reward.Range.Highest));
    }

    [Theory]
    [InlineData("http://judge.example.org/v1/chat/completions?key=s3cret", false)]
    [InlineData("http://10.0.0.7:8000/v1/chat/completions", false)]
    [InlineData("http://127.0.0.1.example.org/v1/chat/completions", false)]
    [InlineData("http://127.0.0.1:8000/v1/chat/completions", true)]
    [InlineData("http://localhost:8000/v1/chat/completions", true)]
    [InlineData("http://[::1]:8000/v1/chat/completions", true)]
    [InlineData("https://judge.example.org/v1/chat/completions", true)]
    public void Http_to_another_machine_has_to_be_allowed(string url, bool taken)
    {
        using var judge = new JudgeCase();
        var made = judge.Create(JudgeCase.Settings(url));
        Assert.Equal(taken, made.IsOk);
        Assert.True(judge.Create(JudgeCase.Settings(url) with { AllowInsecure = true }).IsOk);
        if (made.TryGet(out _, out var fault)) return;
        Assert.Equal((FaultCodes.UnknownValue, 2), (fault.Code, fault.ExitCode));
        Assert.Contains("allowInsecure", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html><b>Welcome</b></html>", "answered what is not JSON: '<html>")]
    [InlineData("[]", "answered without a list of 'choices'")]
    [InlineData("""{ "error": { "message": "no GPU" } }""", "answered without a list of 'choices': '{ \"error\"")]
    [InlineData("""{ "choices": "Answer: 10" }""", "answered without a list of 'choices'")]
    [InlineData("""{ "choices": [] }""", "answered 0 choices to one question")]
    [InlineData("""{ "choices": [{ "message": { "content": "Answer: 10" } }, { "message": { "content": "Answer: 1" } }] }""", "answered 2 choices to one question")]
    [InlineData("""{ "choices": [7] }""", "answered a choice without 'message'")]
    [InlineData("""{ "choices": [{ "text": "Answer: 10" }] }""", "answered a choice without 'message'")]
    [InlineData("""{ "choices": [{ "message": "Answer: 10" }] }""", "answered a choice without 'message'")]
    [InlineData("""{ "choices": [{ "message": { "content": "\ud83d Answer: 10" } }] }""", "answered a text that is not Unicode")]
    [InlineData("""{ "scores": [1] }""", "answered without a list of 'choices'")]
    public async Task What_is_no_chat_completion_is_a_fault_and_is_not_asked_for_again(string body, string message)
    {
        await using var server = await ScriptedServer.Says(body);
        using var judge = new JudgeCase();
        var fault = judge.Fault(JudgeCase.Settings(server.Url) with { Missing = MissingAnswer.Skip }, "a");
        Assert.Equal((FaultCodes.BadAnswer, 1), (fault.Code, server.Requests));
        Assert.StartsWith($"reward 'judge': {server.Url} {message}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_down_is_asked_again_and_is_a_fault()
    {
        await using var server = await ScriptedServer.Says("no", StatusCodes.Status503ServiceUnavailable);
        using var judge = new JudgeCase();
        var fault = judge.Fault(JudgeCase.Settings(server.Url) with { Retries = 2, Missing = MissingAnswer.Skip }, "a");
        Assert.Equal((FaultCodes.ServiceRefused, 3), (fault.Code, server.Requests));
    }

    [Fact]
    public async Task A_service_that_was_busy_gives_its_score()
    {
        await using var server = await ScriptedServer.Start(static async (context, number) =>
        {
            context.Response.StatusCode = number == 1 ? StatusCodes.Status429TooManyRequests : StatusCodes.Status200OK;
            await context.Response.WriteAsync(JudgeCase.Completion("Answer: 10").ToJsonString());
        });
        using var judge = new JudgeCase();
        Assert.Equal([1f], judge.Score(JudgeCase.Settings(server.Url), "a"));
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task A_service_that_does_not_answer_in_time_is_a_fault()
    {
        await using var server = await ScriptedServer.Start(static (context, _) => Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted));
        using var judge = new JudgeCase();
        var watch = Stopwatch.StartNew();
        Assert.Equal(FaultCodes.ServiceTooSlow, judge.Fault(JudgeCase.Settings(server.Url) with { Timeout = 0.3, Retries = 1 }, "a", "b").Code);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task A_body_of_100_MB_is_cut_off_and_not_read()
    {
        const int size = 100_000_000;
        var sent = 0;
        await using (var server = RawServer.Start(async (socket, end) =>
        {
            await RawServer.Send(socket, $"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n", end);
            while (sent < size) sent += await socket.SendAsync(new byte[65_536], end);
        }))
        {
            using var judge = new JudgeCase();
            Assert.Equal(FaultCodes.AnswerTooLarge, judge.Fault(JudgeCase.Settings(server.Url), "a").Code);
            Assert.Equal(1, server.Connections);
        }
        Assert.InRange(sent, 1 << 20, size / 2);
    }

    [Fact]
    public void A_picture_that_is_not_finite_is_not_sent()
    {
        using var judge = new JudgeCase();
        using var scope = NewDisposeScope();
        var fault = Assert.Throws<FaultException>(() => judge.Score(JudgeCase.Settings("http://127.0.0.1:1/v1"), full([1, 3, 4, 4], float.NaN), ["a"])).Fault;
        Assert.Equal(FaultCodes.NotFinite, fault.Code);
    }
}
