using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace TestPlugins.Parts;

public sealed record CanvasSettings
{
    [Description("The folder of the model.")]
    [PathSetting(PathKind.Folder)]
    public required string Folder { get; init; }

    [Description("The size of pictures.")]
    [Range(8, 1024)]
    public int Size { get; init; } = 64;
}

public sealed record LinesSettings
{
    [PathSetting(PathKind.File)]
    public string Path { get; init; } = "captions.txt";

    public bool Shuffle { get; init; } = true;

    public IReadOnlyList<string> Skip { get; init; } = ["#"];
}

public sealed record EulerSettings
{
    [Range(1, 1000)]
    public int Steps { get; init; } = 10;

    [AllowedValues("linear", "cosine")]
    public string Schedule { get; init; } = "linear";

    [Range(0.1, 10)]
    public double? Shift { get; init; } = 3;

    public int Unbounded { get; init; }
}

public sealed record PolicySettings
{
    public bool Exact { get; init; } = true;

    public Mode Mode { get; init; } = Mode.HalfWay;

    [Length(1, 3)]
    public IReadOnlyList<int> Groups { get; init; } = [4];
}

public enum Mode
{
    [JsonStringEnumMemberName("whole")]
    Whole,

    [JsonStringEnumMemberName("half-way")]
    HalfWay,
}

public sealed record ColourSettings
{
    [Description("How much each channel counts.")]
    public ChannelSettings Channels { get; init; } = new();

    [MinLength(1)]
    public string Tint { get; init; } = "grey";
}

public sealed record ChannelSettings
{
    [Range(0, 1)]
    public double Red { get; init; } = 0.25;

    [Range(0, 1, MinimumIsExclusive = true)]
    public double Green { get; init; } = 0.5;
}

/// <summary>A positional record: its defaults are those of its constructor.</summary>
public sealed record DescentSettings([property: Range(0, 1)] double Rate = 0.125, int Warmup = 7);

public sealed record DemandingSettings
{
    public IReadOnlyList<string> Needs { get; init; } = [];
}

public sealed record NarrowSettings
{
    [Range(1, 1024)]
    public int Rank { get; init; } = 64;
}

public sealed record NoSettings;

public sealed record TouchySettings
{
    public int Value
    {
        get;
        init => field = value == 13 ? throw new InvalidOperationException("not thirteen") : value;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CanvasSettings))]
[JsonSerializable(typeof(LinesSettings))]
[JsonSerializable(typeof(EulerSettings))]
[JsonSerializable(typeof(PolicySettings))]
[JsonSerializable(typeof(ColourSettings))]
[JsonSerializable(typeof(DescentSettings))]
[JsonSerializable(typeof(DemandingSettings))]
[JsonSerializable(typeof(NarrowSettings))]
[JsonSerializable(typeof(NoSettings))]
[JsonSerializable(typeof(TouchySettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
