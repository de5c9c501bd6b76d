using System.Text.Json.Nodes;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Rewards.Ocr.Tests;

/// <summary>Services that read, and services that are slow, down or lying.</summary>
public sealed class ServiceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public async Task A_service_is_sent_what_remote_sends_and_gives_a_text_for_each_picture(int batch)
    {
        await using var server = await ScriptedServer.Start(static async (context, _) =>
        {
            var request = (await JsonNode.ParseAsync(context.Request.Body))!;
            Assert.Equal(["version", "images", "prompts", "metadata"], request.AsObject().Select(static pair => pair.Key));
            // The n-th grey says the digit n.
            var texts = request["images"]!.AsArray().Select(static image => (JsonNode?)Grey(Convert.FromBase64String((string)image!)).ToString(System.Globalization.CultureInfo.InvariantCulture));
            await context.Response.WriteAsync(new JsonObject { ["texts"] = new JsonArray([.. texts]) }.ToJsonString());
        });
        var settings = ReaderCase.Settings(server.Url) with { Batch = batch };
        Assert.Equal([1f, 0f, 1f, 1f, 0.5f], ReaderCase.Score(settings, "'1'", "'1'", "a bus", "'4'", "'5x'"));
        Assert.Equal((4 + batch - 1) / batch, server.Requests);
    }

    [Theory]
    [InlineData("""{ "texts": ["OPEN"] }""", "answered 1 texts for 2 pictures")]
    [InlineData("""{ "texts": ["OPEN", "OPEN", "OPEN"] }""", "answered 3 texts for 2 pictures")]
    [InlineData("""{ "texts": "OPEN" }""", "answered 'texts' that are not a list")]
    [InlineData("""{ "texts": ["OPEN", null] }""", "answered 'null' as text 1; a text was expected")]
    [InlineData("""{ "texts": [4, "OPEN"] }""", "answered '4' as text 0; a text was expected")]
    [InlineData("""{ "texts": ["\ud83d", "OPEN"] }""", "answered '\"\\ud83d\"' as text 0; a text was expected")]
    [InlineData("""{ "scores": [1, 1] }""", "answered without 'texts'")]
    [InlineData("<html>OPEN</html>", "answered what is not JSON: '<html>")]
    public async Task An_answer_that_is_none_is_a_fault_and_is_not_asked_for_again(string body, string message)
    {
        await using var server = await ScriptedServer.Says(body);
        var fault = ReaderCase.Fault(ReaderCase.Settings(server.Url), ReaderCase.Open, ReaderCase.Open);
        Assert.Equal((FaultCodes.BadAnswer, 1), (fault.Code, server.Requests));
        Assert.StartsWith($"reward 'judge': {server.Url} {message}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_is_slow_or_down_or_talks_too_much_is_a_fault()
    {
        await using (var down = await ScriptedServer.Says("no", StatusCodes.Status500InternalServerError))
        {
            Assert.Equal(FaultCodes.ServiceRefused, ReaderCase.Fault(ReaderCase.Settings(down.Url) with { Retries = 1 }, ReaderCase.Open).Code);
            Assert.Equal(2, down.Requests);
        }
        await using (var slow = await ScriptedServer.Start(static (context, _) => Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted)))
            Assert.Equal(FaultCodes.ServiceTooSlow, ReaderCase.Fault(ReaderCase.Settings(slow.Url) with { Timeout = 0.3, Retries = 0 }, ReaderCase.Open).Code);
        await using var large = await ScriptedServer.Says($$"""{ "texts": ["{{new string('x', 70_000)}}"] }""");
        Assert.Equal(FaultCodes.AnswerTooLarge, ReaderCase.Fault(ReaderCase.Settings(large.Url), ReaderCase.Open).Code);
        Assert.Equal(1, large.Requests);
    }

    [Fact]
    public void A_service_needs_an_address_and_no_program()
    {
        Assert.True(ReaderCase.Create(ReaderCase.Settings("http://127.0.0.1/read") with { Command = ["no-such-program"] }).IsOk);
        Assert.False(ReaderCase.Create(ReaderCase.Settings("http://")).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.UnknownValue, fault.Code);
    }

    private static int Grey(byte[] png)
    {
        using var bitmap = SkiaSharp.SKBitmap.Decode(png);
        return bitmap.GetPixel(0, 0).Red;
    }
}
