using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Scored;
using LeapAlign.Host.Tests.Runs;
using LeapAlign.Pipeline;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>What <c>score</c> computes.</summary>
public sealed class ScorerTests : IDisposable
{
    private readonly ScoredFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_reward_sees_the_bytes_of_a_picture_in_0_to_1_in_the_order_of_decoded_latents()
    {
        Tensor? seen = null;
        _folder.Score([Keeping(images => seen = images.clone().DetachFromDisposeScope())], _folder.Write("a.png", 3, width: 5, height: 2)).Value();
        Assert.Equal([1L, 3, 2, 5], seen!.shape);
        Assert.Equal([30L, 10, 5, 1], seen.stride());
        Assert.Equal(ScalarType.Float32, seen.dtype);
        var bytes = ScoredFolder.Bytes(3, 5, 2);
        for (var place = 0; place < bytes.Length; place++)
        {
            var (y, x, channel) = (place / 15, place / 3 % 5, place % 3);
            Assert.Equal(bytes[place] / 255f, seen[0, channel, y, x].item<float>());
        }
        seen.Dispose();
    }

    [Fact]
    public void The_scores_of_pictures_are_to_the_last_bit_those_that_an_evaluation_gave_them()
    {
        // Pictures of whole steps of 1/255, which lose nothing in their files; sums that depend on the order in which they are made.
        IReadOnlyList<RewardPlan> rewards =
        [
            ScoredFolder.Reward("waves", static (images, _) => (images * linspace(0.1, 3, images[0].numel(), ScalarType.Float32).reshape(images.shape[1..])).sum([1, 2, 3]).sin()),
            ScoredFolder.Reward("words", static (images, prompts) => images.mean([1, 2, 3]) / tensor(prompts.Select(static prompt => (float)prompt.Text.Length).ToArray())),
            ScoredFolder.Reward("bytes", static (images, _) => PictureBytes.Score(images, static (picture, _) => picture.ToJpeg(80).Length / 7.0)),
        ];
        using var run = new SmallRun
        {
            Evaluates = 0,
            Rewards = rewards,
            Texts = ["one", "number two", "the third caption"],
            Decode = static latents => ((latents.reshape(-1, 1) * 97).floor() + (arange(3 * 8 * 8, ScalarType.Float32) * 11)).remainder(256).div(255).reshape(-1, 3, 8, 8),
        };
        run.Train().Value();
        var evaluation = File.ReadLines(Path.Combine(run.RunFolder, "metrics.jsonl")).Select(static line => JsonNode.Parse(line)!).First(static line => (string)line["kind"]! == "evaluation");
        var samples = evaluation["samples"]!.AsArray();
        Assert.Equal(3, samples.Count);
        Assert.Equal(3, samples.Select(static sample => (double)sample!["rewards"]!["waves"]!).Distinct().Count());

        for (var number = 0; number < samples.Count; number++)
        {
            var picture = Path.Combine(run.RunFolder, "samples", "step-0000", $"{number:D2}.png");
            var json = _folder.At("scores.json");
            _folder.Score(rewards, new ScoreOptions([picture], (string)samples[number]!["caption"]!, null) { Json = json }).Value();
            var scores = JsonNode.Parse(File.ReadAllText(json))!["pictures"]![0]!["scores"]!;
            Assert.All(rewards, reward => Assert.Equal((double)samples[number]!["rewards"]![reward.Part.Name]!, (double)scores[reward.Part.Name]!));
        }
    }

    [Fact]
    public void Pictures_of_any_sizes_are_scored_one_by_one_with_their_prompts()
    {
        List<string> seen = [];
        var rows = new Rows(new Prompt(0, "one", "{\"seed\":1}") { Pictures = [_folder.Write("a.png", 0)] }, new Prompt(1, "two", "{\"seed\":2}") { Pictures = [_folder.Write("b.png", 9, 16, 8)] });
        var reward = ScoredFolder.Reward("shape", (images, prompts) =>
        {
            seen.Add($"{string.Join('x', images.shape)} {Assert.Single(prompts).Text} {prompts[0].Metadata}");
            return images.sum([1, 2, 3]);
        });
        _folder.Score([reward], new ScoreOptions([_folder.At("b.png"), _folder.At("a.png")], null, _folder.At("c.jsonl")), rows).Value();
        Assert.Equal(["1x3x8x16 two {\"seed\":2}", "1x3x3x4 one {\"seed\":1}"], seen);
        Assert.Contains("caption", _folder.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_pictures_all_rows_are_scored_and_a_picture_once_for_each_of_its_rows()
    {
        var (a, b) = (_folder.Write("a.png", 0), _folder.Write("b.png", 9));
        var rows = new Rows(new Prompt(0, "one") { Pictures = [b] }, new Prompt(1, "two") { Pictures = [a] }, new Prompt(2, "three") { Pictures = [b] });
        var options = new ScoreOptions([], null, _folder.At("c.jsonl")) { Csv = OutputFile.StandardOutput };
        _folder.Score([Mean()], options, rows).Value();
        Assert.Equal([$"{b},one", $"{a},two", $"{b},three"], _folder.Output.Split('\n')[1..^1].Select(static row => string.Join(',', row.Split(',')[..2])));
        _folder.Score([Mean()], options with { Pictures = [_folder.Folder], Csv = _folder.At("s.csv") }, rows).Value();
        Assert.Equal(["a.png,two", "b.png,one", "b.png,three"], File.ReadLines(_folder.At("s.csv")).Skip(1).Select(static row => string.Join(',', row.Split(',')[..2])));
    }

    [Fact]
    public void Pictures_that_share_a_caption_are_one_group()
    {
        string[] pictures = [_folder.Write("a.png", new SKColor(10, 20, 30)), _folder.Write("b.png", new SKColor(20, 30, 40)), _folder.Write("c.png", new SKColor(100, 90, 80))];
        // Groups by the words, whatever else their rows say.
        var rows = new Rows([.. pictures.Select(static (picture, id) => new Prompt(id, id == 1 ? "other" : "same", $"{{\"row\":{id}}}") { Pictures = [picture] }), new Prompt(3, "other") { Pictures = [_folder.Write("d.png", new SKColor(200, 190, 180))] }]);
        var ranks = new Ranks();
        var json = _folder.At("s.json");
        _folder.Score([Mean(), ScoredFolder.Reward<IGroupReward>("ranks", ranks), ScoredFolder.Reward<IPairwiseReward>("duel", new Duel())], new ScoreOptions([], null, "c.jsonl") { Json = json }, rows).Value();
        Assert.Equal(["2 same", "2 other"], ranks.Seen);
        var scores = JsonNode.Parse(File.ReadAllText(json))!["pictures"]!.AsArray().Select(static picture => picture!["scores"]!).ToList();
        Assert.Equal([0.0, 0, 1, 1], scores.Select(static score => (double)score["ranks"]!));
        Assert.All(scores.Zip([-1, -1, 1, 1]), static pair => Assert.Equal(pair.Second, Math.Sign((double)pair.First["duel"]! - 0.5)));
        Assert.Equal(1, (double)scores[0]["duel"]! + (double)scores[2]["duel"]!, 6);
        Assert.All(scores.Select(static score => (double)score["mean"]!), static mean => Assert.InRange(mean, 0.01, 0.99));
    }

    [Fact]
    public void A_reward_of_groups_refuses_a_picture_alone_and_pictures_of_two_sizes()
    {
        var (a, b) = (_folder.Write("a.png", 0), _folder.Write("b.png", 9, width: 9));
        var reward = ScoredFolder.Reward<IGroupReward>("ranks", new Ranks());
        _folder.Score([Mean(), reward], a).Fault(FaultCodes.RequirementNotMet, "the reward 'ranks' compares", $"'{a}' is the only one of 'a caption'", "--reward");
        _folder.Score([Mean(), reward], a, b).Fault(FaultCodes.RequirementNotMet, "'ranks'", "4 x 3", "9 x 3");
        Assert.Empty(_folder.Output);
        _folder.Score([Mean()], a, b).Value();
    }

    [Fact]
    public void A_caption_without_the_metadata_that_a_reward_judges_by_is_told_how_to_have_it()
    {
        var picture = _folder.Write("a.png", 0);
        var judged = ScoredFolder.Reward("judged", static (_, _) => throw new FaultException(new Fault.Input(FaultCodes.BadPromptMetadata, "prompt 0 'x': it is a caption alone", new SourcePlace("metadata", Key: "include"))));
        _folder.Score([judged], picture).Fault(FaultCodes.BadPromptMetadata, "'x': it is a caption alone; --caption gives words alone: use --captions FILE", "\"include\"");
        // Who has a file of captions is told by its rows, and words that do not say enough are words, wherever they stand.
        var rows = new Rows(new Prompt(0, "x") { Pictures = [picture] });
        Assert.False(_folder.Score([judged], new ScoreOptions([], null, "c.jsonl"), rows).TryGet(out _, out var fault));
        Assert.DoesNotContain("--captions", fault.Message, StringComparison.Ordinal);
        var read = ScoredFolder.Reward("read", static (_, _) => throw new FaultException(new Fault.Input(FaultCodes.BadPromptMetadata, "no text in quotes")));
        Assert.False(_folder.Score([read], picture).TryGet(out _, out fault));
        Assert.Equal("no text in quotes", fault.Message);
    }

    [Fact]
    public void A_score_that_is_not_finite_is_shown_and_warned_of()
    {
        var json = _folder.At("s.json");
        var odd = ScoredFolder.Reward("odd", static (images, _) => images.shape[3] == 9 ? full([1], double.NaN) : images.shape[3] == 8 ? full([1], double.NegativeInfinity) : ones(1));
        Assert.Equal(Completion.Whole, _folder.Score([Mean(), odd], new ScoreOptions([_folder.Write("a.png", 0), _folder.Write("b.png", 0, 9), _folder.Write("c.png", 0, 8)], "x", null) { Json = json, Csv = "-" }).Value());
        Assert.StartsWith($"warning LA5018: the reward 'odd' gave NaN to '{_folder.At("b.png")}' (2 of 3 pictures)", _folder.Error, StringComparison.Ordinal);
        Assert.Single(_folder.Error.TrimEnd().Split('\n'));
        Assert.Equal(["1", "NaN", "-Infinity"], JsonNode.Parse(File.ReadAllText(json))!["pictures"]!.AsArray().Select(static picture => picture!["scores"]!["odd"]!.ToString()));
        Assert.Equal(["1", "NaN", "-Infinity"], _folder.Output.Split('\n')[1..^1].Select(static row => row.Split(',')[^1]));
    }

    [Fact]
    public void What_is_asked_to_stop_writes_nothing()
    {
        using var stop = new CancellationTokenSource();
        var scored = 0;
        var reward = Keeping(_ =>
        {
            scored++;
            stop.Cancel();
        });
        var options = new ScoreOptions([_folder.Write("a.png", 0), _folder.Write("b.png", 0)], "x", null) { Json = _folder.At("s.json"), Csv = "-" };
        Assert.Equal(Completion.Interrupted, _folder.Score([reward], options, stop: stop.Token).Value());
        Assert.Equal(1, scored);
        Assert.Empty(_folder.Output);
        Assert.False(File.Exists(options.Json));
        Assert.Contains("interrupted", _folder.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_scored_ends_it_with_nothing_written()
    {
        var whole = _folder.Write("a.png", 0, 64, 64);
        File.WriteAllBytes(_folder.At("cut.png"), File.ReadAllBytes(whole)[..^60]);
        File.WriteAllText(_folder.At("words.png"), "no picture");
        var made = 0;
        var reward = Keeping(_ => made++);
        foreach (var (name, words) in new[] { ("absent.png", "there is no such file"), ("words.png", "no picture in a known format") })
        {
            _folder.Score([reward], whole, _folder.At(name)).Fault(FaultCodes.BadPromptFile, _folder.At(name), words);
            Assert.Equal(0, made);
        }
        var json = _folder.At("s.json");
        _folder.Score([reward], new ScoreOptions([whole, _folder.At("cut.png")], "x", null) { Json = json }).Fault(FaultCodes.BadPromptFile, "cut.png", "ends before the picture does");
        _folder.Score([ScoredFolder.Reward("throws", static (_, _) => throw new InvalidOperationException("not today"))], new ScoreOptions([whole], "x", null) { Json = json }).Fault(FaultCodes.StepThrew, "'throws'", "not today");
        _folder.Score([reward], new ScoreOptions([whole], "x", null) { Json = _folder.At("no/s.json") }).Fault(FaultCodes.CannotWrite, "no/s.json", "folder does not exist");
        Directory.CreateDirectory(_folder.At("empty"));
        _folder.Score([reward], _folder.At("empty")).Fault(FaultCodes.NoPrompts, "empty", ".webp");
        var rows = new Rows(new Prompt(0, "one") { Pictures = [whole] });
        _folder.Score([reward], new ScoreOptions([whole, _folder.At("cut.png")], null, "c.jsonl"), rows).Fault(FaultCodes.BadPromptFile, "c.jsonl", "cut.png' has no caption");
        Assert.False(File.Exists(json));
        Assert.Empty(_folder.Output);
    }

    [Fact]
    public void Every_format_is_read_and_what_shows_through_is_white()
    {
        List<float[]> seen = [];
        var reward = Keeping(images => seen.Add(images.mean([0, 2, 3]).data<float>().ToArray()));
        _folder.Score(
            [reward], _folder.Write("a.png", new SKColor(200, 100, 50)), _folder.Write("b.jpg", new SKColor(200, 100, 50), SKEncodedImageFormat.Jpeg), _folder.Write("c.webp", new SKColor(200, 100, 50), SKEncodedImageFormat.Webp),
            _folder.Write("half.png", new SKColor(0, 0, 0, 51)), _folder.Write("none.png", SKColors.Transparent)).Value();
        foreach (var picture in seen[..3]) Assert.All(picture.Zip([200, 100, 50]), static pair => Assert.Equal(pair.Second / 255f, pair.First, 0.02f));
        Assert.Equal(200 / 255f, seen[0][0], 1e-6f);
        Assert.All(seen[3], static value => Assert.Equal(204 / 255f, value, 1e-6f));
        Assert.All(seen[4], static value => Assert.Equal(1, value));
    }

    private static RewardPlan Mean() => ScoredFolder.Reward("mean", static (images, _) => images.mean([1, 2, 3]));

    private static RewardPlan Keeping(Action<Tensor> keep) => ScoredFolder.Reward("kept", (images, _) =>
    {
        keep(images);
        return images.mean([1, 2, 3]);
    });

    private sealed class Rows(params IReadOnlyList<Prompt> prompts) : IPromptSource
    {
        public Result<IReadOnlyList<Prompt>> Read() => Result.Ok(prompts);
    }

    /// <summary>How many pictures of a group are darker.</summary>
    private sealed class Ranks : IGroupReward
    {
        public List<string> Seen { get; } = [];

        public Tensor Score(Tensor images, Prompt prompt)
        {
            Seen.Add($"{images.shape[0]} {prompt.Text}");
            return images.mean([1, 2, 3]).argsort().argsort().to(ScalarType.Float32);
        }
    }

    private sealed class Duel : IPairwiseReward
    {
        public Tensor Prefer(Tensor first, Tensor second, IReadOnlyList<Prompt> prompts) => (first - second).mean([1, 2, 3]).sigmoid();
    }
}
