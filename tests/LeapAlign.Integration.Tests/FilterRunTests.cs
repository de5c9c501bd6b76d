using System.Text.Json.Nodes;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Integration.Tests;

/// <summary>Pictures with captions, sorted by the built program, and a run that learns from what was kept.</summary>
public sealed class FilterRunTests : IDisposable
{
    private static readonly string[] s_captions = ["a red circle", "two blue squares", "a green ring", "a yellow star"];
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void What_the_model_finds_likely_is_kept_under_the_caption_that_fits_best_and_a_run_learns_from_it()
    {
        var drawn = _workspace.Leapalign(["generate", .. s_captions, "-n", "2", "-o", "drawn", "--steps", "10"]);
        Assert.True(drawn.ExitCode == 0, drawn.Error);
        var pictures = Directory.GetFiles(_workspace.At("drawn")).Order(StringComparer.Ordinal).Select(static path => $"drawn/{Path.GetFileName(path)}").ToList();
        Assert.Equal(8, pictures.Count);
        _workspace.Write("clean.jsonl", Rows(Enumerable.Range(0, 4).Select(i => (pictures[2 * i], s_captions[i], ""))));
        // The other picture of each caption: the first two under each other's, one that nothing was drawn for at the end.
        const int side = 64;
        File.WriteAllBytes(_workspace.At("noise.png"), new PictureBytes(Enumerable.Range(0, side * side * 3).Select(static i => (byte)(i * 7919 % 251)).ToArray(), side, side).ToPng());
        _workspace.Write("rows.jsonl", Rows([
            (pictures[1], s_captions[1], ",\"source\":\"a\""), (pictures[3], s_captions[0], ""), (pictures[5], s_captions[2], ",\"source\":\"c\""), (pictures[7], s_captions[3], ""), ("noise.png", s_captions[3], ""),
        ]));
        var filtered = _workspace.Leapalign("filter", "rows.jsonl", "--clean", "clean.jsonl", "--percentile", "100", "--all-captions", "--flips", "--out", "some/kept", "--with-clean", "--json", "all.json", "--set", "run.batch=5");
        Assert.True(filtered.ExitCode == 0, filtered.Error);
        var all = JsonNode.Parse(File.ReadAllText(_workspace.At("all.json")))!;
        var rows = all["rows"]!.AsArray();
        Assert.Equal(4, (int)all["clean"]!);
        Assert.All(rows, static row => Assert.Equal(2 * s_captions.Length, row!["tried"]!.AsArray().Count));
        Assert.All(rows, static row => Assert.Equal(row!["tried"]!.AsArray().Min(static trial => (double)trial!["error"]!), (double)row["best"]!["error"]!));
        Assert.Equal([s_captions[0], s_captions[1]], rows.Take(2).Select(static row => (string)row!["best"]!["caption"]!));
        Assert.False((bool)rows[4]!["kept"]!);
        Assert.Contains("kept ", filtered.Output, StringComparison.Ordinal);

        var lines = File.ReadAllLines(_workspace.At("some", "kept", "pictures.jsonl")).Select(static line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(s_captions, lines.Take(4).Select(static line => (string)line["caption"]!));
        Assert.Equal(rows.Count(static row => (bool)row!["kept"]!), lines.Count - 4);
        Assert.True(lines.Count > 4);
        Assert.All(lines, line => Assert.True(File.Exists(Path.Combine(_workspace.At("some", "kept"), (string)line["file"]!))));
        // What a row says beside belongs to its caption.
        Assert.DoesNotContain(lines, static line => (string?)line["source"] == "a");

        var run = _workspace.Leapalign("train", "--set", "run.steps=1", "--set", "evaluation.every=-1", "--set", "algorithm=sft", "--set", "prompts={\"id\":\"captioned-pictures\",\"settings\":{\"captions\":\"some/kept/pictures.jsonl\"}}");
        Assert.True(run.ExitCode == 0, run.Error);

        var again = _workspace.Leapalign("filter", "rows.jsonl", "--threshold", "1", "--out", "some/kept");
        Assert.Equal(6, again.ExitCode);
        Assert.Contains("it is there already; --replace puts another in its place", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_filtered_is_refused_before_a_model_is_read()
    {
        _workspace.Write("rows.jsonl", Rows([("absent.png", "a circle", "")]));
        Refused(2, "expected one of --clean and --threshold", "rows.jsonl");
        Refused(2, "--with-clean writes the rows of --clean", "rows.jsonl", "--threshold", "1", "--with-clean", "--out", "x");
        Refused(2, "--at-most must be 0.001 to 1, not 2", "rows.jsonl", "--threshold", "1", "--at-most", "2");
        Refused(5, "LA4010: ", "rows.jsonl", "--threshold", "1");
        Refused(5, "LA4010: ", "rows.txt", "--threshold", "1");
    }

    private void Refused(int code, string words, params string[] arguments)
    {
        var outcome = _workspace.Leapalign(["filter", .. arguments]);
        Assert.True(outcome.ExitCode == code, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
    }

    private static string Rows(IEnumerable<(string File, string Caption, string More)> rows) =>
        string.Concat(rows.Select(static row => $"{{\"file\":\"{row.File}\",\"caption\":\"{row.Caption}\"{row.More}}}\n"));
}
