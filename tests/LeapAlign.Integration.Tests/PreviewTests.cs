using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests;

/// <summary>Previews of a run of the embedded model: what they draw, what they cost, and that nothing of training depends on them.</summary>
public sealed class PreviewTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public async Task Weights_steps_and_evaluations_are_the_same_bits_with_previews_and_without()
    {
        var plain = _workspace.Leapalign("train", "--name", "plain");
        Assert.True(plain.ExitCode == 0, plain.Error);
        _workspace.Json["evaluation"]!["previews"] = new JsonArray(
            new JsonObject { ["name"] = "large", ["size"] = "96x80", ["steps"] = 3, ["batch"] = 1 },
            new JsonObject { ["name"] = "guided", ["guidance"] = 4, ["every"] = 2 });
        _workspace.Save();
        var previewed = _workspace.Leapalign("train", "--name", "previewed");
        Assert.True(previewed.ExitCode == 0, previewed.Error);
        foreach (var kind in (string[])["step", "evaluation"]) Assert.Equal(Lines("plain", kind), Lines("previewed", kind));
        Assert.Equal(Weights("plain"), Weights("previewed"));

        var previews = _workspace.Lines("previewed", "preview");
        Assert.Equal(["0 large", "0 guided", "1 large", "2 large", "2 guided"], previews.Select(static line => $"{line["step"]} {line["preview"]}"));
        // Three steps, and four of two evaluations each.
        Assert.Equal((3.0, 8.0), ((double)previews[0]["evaluations"]!, (double)previews[1]["evaluations"]!));
        Assert.Equal(["reward", "judge"], previews[0]["rewards"]!.AsObject().Select(static pair => pair.Key));
        Assert.Equal("96x80", (string)previews[0]["size"]!);
        var picture = File.ReadAllBytes(_workspace.At("runs", "previewed", "samples", "preview-large", "step-0002", "01.png"));
        Assert.Equal((96, 80), (BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(20))));
        // Two captions one by one in three evaluations of 3, and both together in two of 8.
        Assert.Equal(Total(plain.Output) + (2 * 3 * 3) + (2 * 8), Total(previewed.Output));
        await AssertCompared(previews);
    }

    [Fact]
    public void A_size_beyond_the_position_table_is_refused_with_its_key_and_nothing_is_left()
    {
        Refused("evaluation.previews[0].size", "train", "--set", """evaluation.previews=[{"name":"large","size":"136x128"}]""");
        Refused("--size", "generate", "a circle", "--size", "256x256");
        Assert.False(Directory.Exists(_workspace.At("runs")));

        void Refused(string key, params string[] arguments)
        {
            var outcome = _workspace.Leapalign(arguments);
            Assert.Equal(2, outcome.ExitCode);
            Assert.Contains("LA1005", outcome.Error, StringComparison.Ordinal);
            Assert.Contains($"{key}: a picture of", outcome.Error, StringComparison.Ordinal);
            Assert.Contains("at most 128", outcome.Error, StringComparison.Ordinal);
        }
    }

    public void Dispose() => _workspace.Dispose();

    // Side by side the previews have columns of their own; a run without has none to show.
    private async Task AssertCompared(IReadOnlyList<JsonNode> previews)
    {
        var report = _workspace.Leapalign("report", Path.Combine("runs", "plain"), Path.Combine("runs", "previewed"), "--output", "both.html");
        Assert.True(report.ExitCode == 0, report.Error);
        await using var browser = await Reports.Browser.Start();
        await browser.Show(1280, 900, dark: false);
        await browser.Open(_workspace.At("both.html"));
        var heads = await browser.Page.EvaluateExpressionAsync<string[]>("[...document.querySelectorAll('[data-table=equal-steps] thead th')].map(head => head.textContent)");
        Assert.Equal(["reward, preview large", "judge, preview large", "reward, preview guided", "judge, preview guided"], heads.Skip(3).Take(4));
        var cells = await browser.Page.EvaluateExpressionAsync<string[]>("[...document.querySelectorAll('[data-table=equal-steps] tbody tr')].map(row => row.cells[3].querySelector('data').value)");
        Assert.Equal(["", $"{previews[3]["rewards"]!["reward"]}"], cells);
        Assert.Empty(browser.Complaints);
    }

    private static double Total(string output)
    {
        var line = output.Split('\n').Single(static line => line.Contains("network evaluations", StringComparison.Ordinal));
        return double.Parse(line.Split(", ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    private string[] Lines(string run, string kind) => [.. _workspace.Lines(run, kind).Select(static line =>
    {
        var numbers = line.AsObject();
        numbers.Remove("timings");
        return numbers.ToJsonString();
    })];

    private string Weights(string run) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(_workspace.At("runs", run, "export", "transformer", "diffusion_pytorch_model.safetensors"))));
}
