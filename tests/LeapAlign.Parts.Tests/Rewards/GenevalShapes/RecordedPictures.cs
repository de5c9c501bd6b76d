using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>The recorded pictures, and what an independent judge saw in each.</summary>
internal sealed class RecordedPictures
{
    public RecordedPictures()
    {
        using var scope = NewDisposeScope();
        var images = new Recording("shapes", "images.safetensors")["images"];
        Images = images.permute(0, 3, 1, 2).to(float32).div(255).DetachFromDisposeScope();
        var verdicts = File.ReadAllLines(Repository.Fixture("shapes", "verdicts.jsonl")).Where(static line => line.Length > 0).ToList();
        var (height, width) = ((int)images.shape[1], (int)images.shape[2]);
        All =
        [
            .. verdicts.Select((line, i) => new RecordedPicture(
                new PictureBytes(images[i].contiguous().data<byte>().ToArray(), width, height), new Prompt(i, Text(line), line), JsonDocument.Parse(line).RootElement)),
        ];
        Assert.Equal(images.shape[0], All.Count);
        Assert.NotEmpty(All);
    }

    /// <summary>[B, 3, H, W] in [0, 1].</summary>
    public Tensor Images { get; }

    public IReadOnlyList<RecordedPicture> All { get; }

    private static string Text(string line) => JsonDocument.Parse(line).RootElement.GetProperty("prompt").GetString()!;
}

internal sealed record RecordedPicture(PictureBytes Picture, Prompt Prompt, JsonElement Verdict)
{
    public bool IsRight => Verdict.GetProperty("correct").GetBoolean();

    public IReadOnlyList<JsonElement> Objects => [.. Verdict.GetProperty("objects").EnumerateArray()];
}
