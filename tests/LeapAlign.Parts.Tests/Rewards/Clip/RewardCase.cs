using System.Text.Json;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip.Tests;

/// <summary>The recorded pictures, captions and scores, and the reward as a run makes it.</summary>
internal sealed class RewardCase
{
    private readonly SafetensorsFile _recorded = Recording.Require(SafetensorsFile.Open(Repository.Fixture("tiny", "tiny.safetensors")));

    public RewardCase()
    {
        using var options = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("tiny", "tiny.json")));
        Prompts = [.. options.RootElement.GetProperty("prompts").EnumerateArray().Select((text, index) => new Prompt(index, text.GetString()!))];
    }

    public IReadOnlyList<Prompt> Prompts { get; }

    /// <summary>What the reward warned of.</summary>
    public List<Fault> Warnings { get; } = [];

    public Tensor Images => Recorded("guided.images");

    public Tensor Recorded(string key) => Recording.Require(_recorded.Read(key));

    public ClipReward Reward(string model = "tiny-clip-reward", Func<ClipSettings, ClipSettings>? change = null, ScalarType type = ScalarType.Float32)
    {
        var settings = new ClipSettings { Model = model };
        return Recording.Require(ClipReward.Load(change is null ? settings : change(settings), Context(Repository.Models, type)));
    }

    public PartContext Context(string baseFolder, ScalarType type = ScalarType.Float32) => new()
    {
        Name = "reward",
        BaseFolder = baseFolder,
        Device = CPU,
        ComputeType = type,
        Logger = NullLogger.Instance,
        Warn = Warnings.Add,
    };
}
