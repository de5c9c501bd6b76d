using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Scored;
using LeapAlign.Host.Tests.Runs;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using SkiaSharp;
using Spectre.Console;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>A folder of pictures that are scored by rewards of this program.</summary>
internal sealed class ScoredFolder : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("scored-").FullName;

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        _output.Dispose();
        _error.Dispose();
    }

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>A picture whose bytes are known: number, number + 7, number + 14 and so on.</summary>
    /// <returns>Its path.</returns>
    public string Write(string name, int number, int width = 4, int height = 3)
    {
        var picture = new PictureBytes(Bytes(number, width, height), width, height);
        File.WriteAllBytes(At(name), picture.ToPng());
        return At(name);
    }

    /// <summary>The bytes of such a picture.</summary>
    public static byte[] Bytes(int number, int width, int height) => [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(number + (7 * i)))];

    /// <summary>A picture of one colour in any format.</summary>
    public string Write(string name, SKColor colour, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(8, 8, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(colour);
        using var data = bitmap.Encode(format, 100);
        File.WriteAllBytes(At(name), data.ToArray());
        return At(name);
    }

    /// <summary>A reward of this program, under any of its contracts.</summary>
    public static RewardPlan Reward<T>(string name, T reward)
        where T : class => new(new PartPlan(PartDefinition.Of<T, Nothing>(name, NothingJson.Default.Nothing, (_, _) => reward), new Nothing(), name, new SourcePlace("test")), RewardRole.HeldOut, 1);

    /// <summary>A reward that is a function.</summary>
    public static RewardPlan Reward(string name, Func<Tensor, IReadOnlyList<Prompt>, Tensor> score) => Reward<IReward>(name, new Scripted(score));

    /// <summary><c>score</c> with one caption.</summary>
    public Result<Completion> Score(IReadOnlyList<RewardPlan> rewards, params IReadOnlyList<string> pictures) => Score(rewards, new ScoreOptions(pictures, "a caption", null));

    public Result<Completion> Score(IReadOnlyList<RewardPlan> rewards, ScoreOptions options, IPromptSource? captions = null, CancellationToken stop = default)
    {
        var plan = new RunPlan
        {
            Run = new RunSettings { Device = "cpu" },
            Evaluation = new EvaluationSettings(),
            Export = new ExportSettings(),
            Guidance = Guidance.None,
            Rewards = rewards,
            BaseFolder = Folder,
            ResolvedJson = "",
        };
        if (captions is not null)
            plan = plan with { Prompts = new PartPlan(PartDefinition.Of<IPromptSource, Nothing>("captions", NothingJson.Default.Nothing, (_, _) => captions), new Nothing(), "captions", new SourcePlace("test")) };
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(_output), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No });
        console.Profile.Width = 400;
        return new Scorer(new Terminal(console, _error), NullLoggerFactory.Instance).Score(plan, options, stop);
    }

    private sealed class Scripted(Func<Tensor, IReadOnlyList<Prompt>, Tensor> score) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => score(images, prompts);
    }
}
