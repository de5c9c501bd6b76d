using System.Collections.Concurrent;
using System.Diagnostics;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>What is sent, and what is made of the answers of a service in order.</summary>
public sealed class ScoreTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(3, 4)]
    [InlineData(64, 2)]
    public async Task Scores_are_in_the_order_of_the_pictures_whatever_the_batch(int batch, int concurrency)
    {
        const int Count = 11;
        var requests = (Count + batch - 1) / batch;
        var answered = Enumerable.Range(0, requests + 2).Select(static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        // Of those that are under way together the later one is answered first.
        await using var server = await ScriptedServer.Start(async (context, number) =>
        {
            if (number % concurrency != 0 && number < requests) await answered[number + 1].Task.WaitAsync(context.RequestAborted);
            await ScriptedServer.Sample(context);
            answered[number].SetResult();
        });
        var scores = RemoteCase.Score(RemoteCase.Settings(server.Url) with { Batch = batch, Concurrency = concurrency }, Count);
        Assert.Equal(RemoteCase.Levels(Count), scores, static (expected, actual) => Math.Abs(expected - actual) < 1e-6);
        Assert.Equal(requests, server.Requests);
    }

    [Fact]
    public async Task As_many_requests_are_under_way_as_the_settings_say()
    {
        const int Together = 3;
        var (inside, most) = (0, 0);
        await using var server = await ScriptedServer.Start(async (context, _) =>
        {
            var now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            // Those that come with this one have time to, however busy the machine; then one too many has.
            for (var patience = 0; Volatile.Read(ref most) < Together && patience < 500; patience++) await Task.Delay(10, context.RequestAborted);
            await Task.Delay(50, context.RequestAborted);
            Interlocked.Decrement(ref inside);
            await ScriptedServer.Sample(context);
        });
        RemoteCase.Score(RemoteCase.Settings(server.Url) with { Batch = 1, Concurrency = Together }, count: 3 * Together);
        Assert.Equal(Together, most);
    }

    [Fact]
    public async Task A_request_holds_pictures_captions_and_metadata()
    {
        var requests = new ConcurrentQueue<(string? Type, RewardRequest Request)>();
        await using var server = await ScriptedServer.Start(async (context, _) =>
        {
            requests.Enqueue((context.Request.ContentType, (await context.Request.ReadFromJsonAsync(RewardJson.Default.RewardRequest))!));
            await context.Response.WriteAsync("""{ "model": "x", "scores": [-1e3, 2] }""");
        });
        using var scope = NewDisposeScope();
        using var reward = RemoteCase.Reward(RemoteCase.Settings(server.Url));
        // Two rows of three pixels; the second picture lies outside [0, 1], as what a decoder gives may by its rounding.
        var images = zeros(2, 3, 2, 3);
        images[0, 0, 0, 2] = tensor(0.5f);
        images[0, 1, 1, 0] = tensor(1f);
        images[1, .., 0] = tensor(1.01f);
        images[1, .., 1] = tensor(-0.01f);
        var scores = reward.Score(images, [new Prompt(0, "größer \"rot\""), new Prompt(1, "b", """{"tag": "count", "n": [1, 2]}""")]);

        Assert.Equal((float32, 1L), (scores.dtype, scores.dim()));
        Assert.Equal([-1000f, 2f], scores.data<float>().ToArray());
        var (type, request) = Assert.Single(requests);
        Assert.Equal(("application/json", 1), (type, request.Version));
        Assert.Equal(["größer \"rot\"", "b"], request.Prompts);
        Assert.Null(request.Metadata[0]);
        Assert.Equal("""{"tag": "count", "n": [1, 2]}""", request.Metadata[1]!.Value.GetRawText());
        Assert.All(request.Images, static image => Assert.Equal([0x89, 0x50, 0x4E, 0x47], image[..4]));
        var (black, white) = (SKColors.Black, SKColors.White);
        // round(255 x 0.5) is 128, the even of the two neighbours.
        AssertPicture(request.Images[0], width: 3, height: 2, black, black, new SKColor(128, 0, 0), new SKColor(0, 255, 0), black, black);
        AssertPicture(request.Images[1], width: 3, height: 2, white, white, white, black, black, black);
    }

    [Fact]
    public async Task Pictures_that_are_not_finite_are_a_fault_and_not_sent()
    {
        await using var server = await ScriptedServer.Start();
        using var scope = NewDisposeScope();
        using var reward = RemoteCase.Reward(RemoteCase.Settings(server.Url));
        var images = RemoteCase.Greys(2).clone();
        images[1, 2, 0, 0] = tensor(float.NaN);
        var fault = Assert.Throws<FaultException>(() => reward.Score(images, RemoteCase.Captions(2))).Fault;
        Assert.Equal((FaultCodes.NotFinite, 0), (fault.Code, server.Requests));
    }

    [Fact]
    public async Task A_reward_that_is_disposed_has_no_connections()
    {
        await using var server = await ScriptedServer.Start();
        using var scope = NewDisposeScope();
        var reward = RemoteCase.Reward(RemoteCase.Settings(server.Url));
        reward.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reward.Score(RemoteCase.Greys(1), RemoteCase.Captions(1)));
        Assert.Equal(0, server.Requests);
    }

    [Fact]
    public async Task A_fault_in_one_batch_does_not_wait_for_the_others()
    {
        await using var server = await ScriptedServer.Start(static (context, number) =>
            number == 1 ? Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted) : context.Response.WriteAsync("no"));
        var watch = Stopwatch.StartNew();
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { Batch = 1, Timeout = 60 });
        Assert.Equal(FaultCodes.BadAnswer, fault.Code);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"the fault took {watch.Elapsed}");
    }

    [Fact]
    public void The_reward_is_not_differentiable() => Assert.False(typeof(IDifferentiableReward).IsAssignableFrom(typeof(RemoteReward)));

    private static void AssertPicture(byte[] png, int width, int height, params SKColor[] pixels)
    {
        using var bitmap = SKBitmap.Decode(png);
        Assert.Equal((width, height), (bitmap.Width, bitmap.Height));
        Assert.Equal(pixels, bitmap.Pixels);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target)) Interlocked.CompareExchange(ref target, value, seen);
    }
}
