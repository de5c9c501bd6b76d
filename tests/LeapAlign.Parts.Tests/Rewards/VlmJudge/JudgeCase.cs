using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.VlmJudge.Tests;

/// <summary>A folder with rubrics and a cache, and rewards whose waits are short.</summary>
internal sealed class JudgeCase : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-judge-");

    public JudgeCase(string form = "Answer: 1 to 10") => Write("rubric.txt", $"Does the picture show its caption?\n\n{form}\n");

    public string Folder => _folder.FullName;

    public string Cache => Path.Combine(Folder, "cache");

    /// <summary>What the reward warned of.</summary>
    public ConcurrentQueue<Fault> Warnings { get; } = new();

    public void Dispose() => _folder.Delete(recursive: true);

    public void Write(string name, string text) => File.WriteAllText(Path.Combine(Folder, name), text);

    public static VlmJudgeSettings Settings(string url) => new() { Url = url, Model = "judge-7b", Rubric = "rubric.txt", Timeout = 10, Backoff = 0.001, LongestWait = 5 };

    public Result<VlmJudgeReward> Create(VlmJudgeSettings settings, CancellationToken stop = default) => VlmJudgeReward.Create(settings, new PartContext
    {
        Name = "judge",
        BaseFolder = Folder,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = Warnings.Enqueue,
        Stop = stop,
    });

    public Fault Refusal(VlmJudgeSettings settings)
    {
        Assert.False(Create(settings).TryGet(out _, out var fault));
        return fault;
    }

    /// <summary>Scores grey pictures, one for each caption, of which each is brighter than the one before.</summary>
    public float[] Score(VlmJudgeSettings settings, params string[] captions) => Score(settings, RemoteCase.Greys(captions.Length), captions);

    public float[] Score(VlmJudgeSettings settings, Tensor pictures, string[] captions, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        using var reward = Create(settings, stop).Match(static made => made, static fault => throw new FaultException(fault));
        return reward.Score(pictures, [.. captions.Select(static (caption, index) => new Prompt(index, caption))]).data<float>().ToArray();
    }

    public Fault Fault(VlmJudgeSettings settings, params string[] captions) => Assert.Throws<FaultException>(() => Score(settings, captions)).Fault;

    /// <summary>A service that replies to each question.</summary>
    /// <param name="reply">Takes the question, and its number from 1.</param>
    public static Task<ScriptedServer> Service(Func<JsonNode, int, string?> reply) => ScriptedServer.Start(async (context, number) =>
    {
        var question = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        await context.Response.WriteAsync(Completion(reply(question!, number)).ToJsonString(), context.RequestAborted);
    });

    public static Task<ScriptedServer> Service(string? reply) => Service((_, _) => reply);

    public static JsonObject Completion(string? reply) => new()
    {
        ["id"] = "chatcmpl-1",
        ["object"] = "chat.completion",
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = reply }, ["finish_reason"] = "stop" }),
    };

    /// <summary>The text that holds a question's caption.</summary>
    public static string CaptionText(JsonNode question) => (string)question["messages"]![1]!["content"]![0]!["text"]!;
}
