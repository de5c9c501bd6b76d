using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Ocr.Tests;

/// <summary>Captions that ask for text, and rewards that look for it.</summary>
internal static class ReaderCase
{
    public const string Open = "a sign that says \"OPEN\"";

    public static OcrSettings Settings(Program program) => new() { Command = [program.Path], Timeout = 20 };

    public static OcrSettings Settings(string url) => new() { Url = url, Timeout = 10, Backoff = 0.001, LongestWait = 5 };

    public static Result<OcrReward> Create(OcrSettings settings, PartContext? context = null) => OcrReward.Create(settings, context ?? RemoteCase.Context());

    /// <summary>Scores grey pictures, one for each caption, of which each is brighter than the one before.</summary>
    public static float[] Score(OcrSettings settings, params string[] captions) => Score(settings, RemoteCase.Greys(captions.Length), captions);

    public static float[] Score(OcrSettings settings, Tensor pictures, string[] captions, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        using var reward = Create(settings, RemoteCase.Context(stop)).Match(static made => made, static fault => throw new FaultException(fault));
        return reward.Score(pictures, Captions(captions)).data<float>().ToArray();
    }

    public static Fault Fault(OcrSettings settings, params string[] captions) => Assert.Throws<FaultException>(() => Score(settings, captions)).Fault;

    public static Prompt[] Captions(params string[] captions) => [.. captions.Select(static (caption, index) => new Prompt(index, caption))];
}
