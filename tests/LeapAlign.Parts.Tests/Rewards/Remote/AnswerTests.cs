using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>Services that lie.</summary>
public sealed class AnswerTests
{
    [Theory]
    [InlineData("""{ "scores": [1, 2, 3] }""", "answered 3 scores for 4 pictures")]
    [InlineData("""{ "scores": [1, 2, 3, 4, 5] }""", "answered 5 scores for 4 pictures")]
    [InlineData("""{ "scores": [] }""", "answered 0 scores for 4 pictures")]
    [InlineData("""{ "scores": [1, null, 3, 4] }""", "answered 'null' as score 1; a finite number was expected")]
    [InlineData("""{ "scores": [1, 2, 3, "4"] }""", "answered '\"4\"' as score 3; a finite number was expected")]
    [InlineData("""{ "scores": [[1], 2, 3, 4] }""", "answered '[1]' as score 0; a finite number was expected")]
    [InlineData("""{ "scores": [1, 2, true, 4] }""", "answered 'true' as score 2; a finite number was expected")]
    [InlineData("""{ "scores": [1, 2, 1e999, 4] }""", "answered '1e999' as score 2; a finite number was expected")]
    [InlineData("""{ "scores": [1, 2, -1e39, 4] }""", "answered '-1e39' as score 2; a finite number was expected")]
    [InlineData("""{ "scores": [1, 2, NaN, 4] }""", "answered what is not JSON: '{ \"scores\": [1, 2, NaN, 4] }'")]
    [InlineData("""{ "scores": [1, 2, 3, 4]""", "answered what is not JSON: '{ \"scores\": [1, 2, 3, 4]'")]
    [InlineData("""{ "scores": [1, 2, 3, 4], "scores": [4, 3, 2, 1] }""", "answered what is not JSON: ")]
    [InlineData("""{ "scores": [1, 2, 3, 4], "x": [{ "\ud83d": 1, "y": 2 }] }""", "answered what is not JSON: ")]
    [InlineData("""{ "\ud83d": 1, "scores": [1, 2, 3, 4] }""", "answered what is not JSON: ")]
    [InlineData("<html>\n<b>Bad", "answered what is not JSON: '<html> <b>Bad'")]
    [InlineData("", "answered what is not JSON: (no text)")]
    [InlineData("[1, 2, 3, 4]", "answered without 'scores': '[1, 2, 3, 4]'")]
    [InlineData("""{ "score": [1, 2, 3, 4] }""", "answered without 'scores': '{ \"score\": [1, 2, 3, 4] }'")]
    [InlineData("""{ "scores": 4 }""", "answered 'scores' that are not a list: '{ \"scores\": 4 }'")]
    [InlineData("""{ "scores": null }""", "answered 'scores' that are not a list: '{ \"scores\": null }'")]
    public async Task What_is_not_the_protocol_is_a_fault_and_is_not_asked_for_again(string body, string message)
    {
        await using var server = await ScriptedServer.Says(body);
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url));
        Assert.Equal(FaultCodes.BadAnswer, fault.Code);
        Assert.StartsWith($"reward 'judge': {server.Url} {message}", fault.Message, StringComparison.Ordinal);
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task Json_that_is_too_deep_is_a_fault()
    {
        await using var server = await ScriptedServer.Says(new string('[', 100_000));
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url));
        Assert.Equal(FaultCodes.BadAnswer, fault.Code);
        Assert.True(fault.Message.Length < 400, fault.Message);
        Assert.Contains("answered what is JSON that is nested more than 64 levels deep", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.0, null, "-0.5, outside the declared range [0, Infinity]")]
    [InlineData(null, 0.75, "1, outside the declared range [-Infinity, 0.75]")]
    [InlineData(-0.4, 0.75, "-0.5, outside the declared range [-0.4, 0.75]")]
    [InlineData(-0.5, 1.0, null)]
    [InlineData(null, null, null)]
    public async Task Scores_keep_to_the_declared_range(double? minimum, double? maximum, string? message)
    {
        await using var server = await ScriptedServer.Says("""{ "scores": [0.5, -0.5, 1] }""");
        var settings = RemoteCase.Settings(server.Url) with { Minimum = minimum, Maximum = maximum };
        if (message is null)
        {
            Assert.Equal([0.5f, -0.5f, 1f], RemoteCase.Score(settings, count: 3));
            return;
        }
        var fault = RemoteCase.Fault(settings, count: 3);
        Assert.Equal(FaultCodes.ScoreOutOfRange, fault.Code);
        var picture = message[0] == '-' ? 1 : 2;
        Assert.Equal($"reward 'judge': {server.Url} scored a picture of 'caption {picture}' {message}", fault.Message);
    }

    [Fact]
    public async Task An_answer_of_exactly_the_limit_is_read()
    {
        const string Scores = """{ "scores": [1, 2, 3, 4] }""";
        await using var server = await ScriptedServer.Says(Scores + new string(' ', 100 - Scores.Length));
        var settings = RemoteCase.Settings(server.Url) with { MaxResponseBytes = 100 };
        Assert.Equal([1, 2, 3, 4], RemoteCase.Score(settings));
        Assert.Equal(FaultCodes.AnswerTooLarge, RemoteCase.Fault(settings with { MaxResponseBytes = 99 }).Code);
    }

    [Fact]
    public async Task A_refusal_of_any_length_keeps_its_status()
    {
        await using var server = await ScriptedServer.Says(new string('x', 5_000_000), StatusCodes.Status403Forbidden);
        Assert.Contains("answered 403 Forbidden in 1 attempt: 'xxx", RemoteCase.Fault(RemoteCase.Settings(server.Url)).Message, StringComparison.Ordinal);
    }
}
