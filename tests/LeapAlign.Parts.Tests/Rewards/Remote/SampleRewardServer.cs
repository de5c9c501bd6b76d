using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using SkiaSharp;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>
/// A reward service in ASP.NET Core, as short as one can be: it scores a picture by its mean brightness, from 0 for black to 1 for white. Take this file,
/// replace <see cref="Brightness"/>, and call <see cref="Map"/> from a program of your own.
/// </summary>
internal static class SampleRewardServer
{
    /// <summary>Answers <c>POST /score</c>.</summary>
    /// <param name="routes">The application.</param>
    /// <param name="token">The bearer token that is asked for; null asks for none.</param>
    public static void Map(IEndpointRouteBuilder routes, string? token = null) => routes.MapPost("/score", context => Answer(context, token));

    /// <summary>Answers one request.</summary>
    public static async Task Answer(HttpContext context, string? token)
    {
        if (token is not null && context.Request.Headers.Authorization != $"Bearer {token}")
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        var request = await context.Request.ReadFromJsonAsync(RewardJson.Default.RewardRequest, context.RequestAborted);
        if (request is not { Version: 1 } || request.Images.Count != request.Prompts.Count)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("expected version 1 and a prompt for each picture", context.RequestAborted);
            return;
        }
        double[] scores = [.. request.Images.Select(Brightness)];
        await context.Response.WriteAsJsonAsync(new RewardAnswer(scores), RewardJson.Default.RewardAnswer, cancellationToken: context.RequestAborted);
    }

    /// <summary>The mean of all channels of all pixels, in [0, 1].</summary>
    /// <param name="png">A picture.</param>
    public static double Brightness(byte[] png)
    {
        using var bitmap = SKBitmap.Decode(png);
        return bitmap.Pixels.Average(static pixel => (pixel.Red + pixel.Green + pixel.Blue) / (3.0 * byte.MaxValue));
    }
}

/// <summary>What is sent. System.Text.Json reads base64 as bytes.</summary>
internal sealed record RewardRequest(int Version, IReadOnlyList<byte[]> Images, IReadOnlyList<string> Prompts, IReadOnlyList<JsonElement?> Metadata);

/// <summary>What is answered: a score for each picture, in order.</summary>
internal sealed record RewardAnswer(IReadOnlyList<double> Scores);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RewardRequest))]
[JsonSerializable(typeof(RewardAnswer))]
internal sealed partial class RewardJson : JsonSerializerContext;
