using System.Text.Json;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Images;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Rewards.ImageReward;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Published.Tests;

/// <summary>A reward that people train on, as it is published, with recorded pictures, scores and gradients; the folder's files say shapes, prompts and cases.</summary>
internal sealed class PublishedCase
{
    private readonly SafetensorsFile _recorded;

    public PublishedCase(string name)
    {
        (Name, Folder) = (name, Repository.Fixture(name));
        _recorded = Recording.Require(SafetensorsFile.Open(Path.Combine(Folder, "io.safetensors")));
        using var options = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "reward.json")));
        Length = options.RootElement.TryGetProperty("length", out var length) ? length.GetInt32() : 0;
        Texts = options.RootElement.TryGetProperty("prompts", out var prompts) ? [.. prompts.EnumerateArray().Select(static text => text.GetString()!)] : [];
        Strings = options.RootElement.TryGetProperty("strings", out var strings) ? [.. strings.EnumerateArray().Select(static text => text.GetString()!)] : [];
        StringIds = options.RootElement.TryGetProperty("strings_ids", out var ids) ? [.. ids.EnumerateArray().Select(static row => row.EnumerateArray().Select(static id => id.GetInt64()).ToArray())] : [];
    }

    public static TheoryData<string> Names { get; } = ["pickscore", "hpsv2", "aesthetic", "imagereward"];

    public string Name { get; }

    public string Folder { get; }

    public int Length { get; }

    public IReadOnlyList<string> Texts { get; }

    public IReadOnlyList<string> Strings { get; }

    public IReadOnlyList<long[]> StringIds { get; }

    /// <summary>The names of its pictures, each with several in one size.</summary>
    public IReadOnlyList<string> Sizes => [.. _recorded.Entries.Keys.Where(static key => key.EndsWith(".pictures", StringComparison.Ordinal)).Select(static key => key[..^".pictures".Length])];

    public bool Has(string key) => _recorded.Entries.ContainsKey(key);

    public Tensor Recorded(string key) => Recording.Require(_recorded.Read(key));

    /// <summary>Pixels in [0, 1], [B, 3, H, W].</summary>
    public Tensor Pictures(string size) => Recorded($"{size}.pictures").permute(0, 3, 1, 2).to(float32).div(255).contiguous();

    public IReadOnlyList<Prompt> Prompts(long count) => [.. Enumerable.Range(0, (int)count).Select(index => new Prompt(index, Texts.Count > 0 ? Texts[index] : "anything"))];

    public IDifferentiableReward Reward(PictureResize resize = PictureResize.Tensor, PartContext? context = null, string? folder = null)
    {
        context ??= Context();
        folder ??= Folder;
        return Name switch
        {
            "pickscore" => Recording.Require(ClipReward.Load(new PickScoreSettings { Model = folder, Resize = resize }, context)),
            "hpsv2" => Recording.Require(ClipReward.Load(new HpsSettings { Model = folder }, context)),
            "aesthetic" => Recording.Require(AestheticReward.Load(new AestheticSettings { Model = Path.Combine(folder, "clip"), Head = Head, Resize = resize }, context)),
            _ => Recording.Require(BlipReward.Load(new ImageRewardSettings { Model = folder, TextLength = Length, Resize = resize }, context)),
        };
    }

    public string Head => Directory.GetFiles(Folder, "*.safetensors").Single(static file => !file.EndsWith("io.safetensors", StringComparison.Ordinal));

    public static ClipImageProcessor Prepares(IDifferentiableReward reward) => reward switch
    {
        ClipReward clip => clip.Pictures,
        AestheticReward aesthetic => aesthetic.Pictures,
        _ => ((BlipReward)reward).Pictures,
    };

    public static PartContext Context(ScalarType type = ScalarType.Float32, Action<Fault>? warn = null, int blocksPerCheckpoint = 0, ISharedResources? shared = null) => new()
    {
        Name = "reward",
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = type,
        BlocksPerCheckpoint = blocksPerCheckpoint,
        Logger = NullLogger.Instance,
        // Recorded captions may be longer than a small model reads.
        Warn = warn ?? (static fault => Assert.Equal(FaultCodes.CaptionCut, fault.Code)),
        Shared = shared ?? new Kept(),
    };

    /// <summary>As the host keeps what parts share.</summary>
    internal sealed class Kept : ISharedResources
    {
        private readonly Dictionary<string, object> _kept = [];

        public int Count => _kept.Count;

        public Result<T> Get<T>(string key, Func<Result<T>> create)
            where T : class
        {
            if (_kept.TryGetValue(key, out var there)) return (T)there;
            return create().Map(made =>
            {
                _kept[key] = made;
                return made;
            });
        }
    }
}
