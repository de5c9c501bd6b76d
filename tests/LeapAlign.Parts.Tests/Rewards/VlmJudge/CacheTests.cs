using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;

namespace LeapAlign.Rewards.VlmJudge.Tests;

/// <summary>Answers on the disk.</summary>
public sealed class CacheTests
{
    [Fact]
    public async Task An_answer_that_is_kept_needs_no_service()
    {
        using var judge = new JudgeCase();
        VlmJudgeSettings settings;
        await using (var server = await JudgeCase.Service(static (question, _) => $"Answer: {JudgeCase.CaptionText(question)[^2]}"))
        {
            settings = JudgeCase.Settings(server.Url) with { Cache = "cache", Retries = 0 };
            Assert.Equal([1f / 9, 8f / 9], judge.Score(settings, "of 2", "of 9"));
            Assert.Equal(2, server.Requests);
        }
        Assert.Equal([1f / 9, 8f / 9], judge.Score(settings, "of 2", "of 9"));
        Assert.Equal(2, Directory.GetFiles(judge.Cache).Length);
        // Without the folder there is nobody who knows.
        Assert.Equal(FaultCodes.ServiceUnreachable, judge.Fault(settings with { Cache = null }, "of 2").Code);
    }

    [Fact]
    public async Task Another_picture_caption_rubric_model_or_address_is_another_question()
    {
        await using var server = await JudgeCase.Service("Answer: 5");
        using var judge = new JudgeCase();
        judge.Write("other.txt", "Is it sharp?\nAnswer: 1 to 10");
        var settings = JudgeCase.Settings(server.Url) with { Cache = "cache" };
        using var pictures = RemoteCase.Greys(2);
        using var turned = pictures[..1].permute(0, 1, 3, 2);
        Action[] questions =
        [
            () => judge.Score(settings, pictures[..1], ["a"]),
            () => judge.Score(settings, pictures[1..], ["a"]),
            () => judge.Score(settings, turned, ["a"]),
            () => judge.Score(settings, pictures[..1], ["b"]),
            () => judge.Score(settings with { Rubric = "other.txt" }, pictures[..1], ["a"]),
            () => judge.Score(settings with { Model = "judge-8b" }, pictures[..1], ["a"]),
            () => judge.Score(settings with { Url = $"{server.Url}?version=2" }, pictures[..1], ["a"]),
        ];
        for (var round = 0; round < 2; round++)
        {
            foreach (var (question, number) in questions.Select(static (question, index) => (question, index + 1)))
            {
                question();
                Assert.Equal(round == 0 ? number : questions.Length, server.Requests);
            }
        }
    }

    /// <summary>Times, attempts and rules change no answer.</summary>
    [Fact]
    public async Task Other_settings_are_the_same_question()
    {
        await using var server = await JudgeCase.Service("Answer: 5");
        using var judge = new JudgeCase();
        var settings = JudgeCase.Settings(server.Url) with { Cache = "cache" };
        judge.Score(settings, "a");
        judge.Score(settings with { Timeout = 5, Retries = 1, Concurrency = 7, Missing = MissingAnswer.Skip }, "a");
        Assert.Equal(1, server.Requests);
    }

    [Fact]
    public async Task Equal_questions_of_a_batch_are_asked_once()
    {
        await using var server = await JudgeCase.Service(static (_, number) => $"Answer: {number + 1}");
        using var judge = new JudgeCase();
        using var pictures = RemoteCase.Greys(1).expand(3, 3, 5, 3);
        Assert.Equal([1f / 9, 1f / 9, 1f / 9], judge.Score(JudgeCase.Settings(server.Url), pictures, ["a", "a", "a"]));
        Assert.Equal(1, server.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{ "answer": 7, "sha256": "00" }""")]
    [InlineData("""{ "answer": "7" }""")]
    [InlineData("""{ "answer": "7", "sha256": "00" }""")]
    [InlineData("7 to 9")]
    [InlineData("of another question")]
    [InlineData("too long")]
    [InlineData("a folder")]
    public async Task A_damaged_entry_is_asked_for_again(string damage)
    {
        await using var server = await JudgeCase.Service(static (_, number) => number == 2 ? "Answer: 9" : "Answer: 7");
        using var judge = new JudgeCase();
        var settings = JudgeCase.Settings(server.Url) with { Cache = "cache" };
        Assert.Equal([6f / 9, 8f / 9], judge.Score(settings with { Concurrency = 1 }, "a", "b"));
        var entry = Directory.GetFiles(judge.Cache).Single(static file => File.ReadAllText(file).Contains("\"7\"", StringComparison.Ordinal));
        var other = Directory.GetFiles(judge.Cache).Single(file => file != entry);
        switch (damage)
        {
            case "7 to 9": File.WriteAllText(entry, File.ReadAllText(entry).Replace("\"7\"", "\"9\"", StringComparison.Ordinal)); break;
            case "of another question": File.Copy(other, entry, overwrite: true); break;
            case "too long": File.AppendAllText(entry, new string(' ', 5000) + "x"); break;
            case "a folder":
                File.Delete(entry);
                Directory.CreateDirectory(entry);
                break;
            default: File.WriteAllText(entry, damage); break;
        }
        Assert.Equal([6f / 9, 8f / 9], judge.Score(settings, "a", "b"));
        Assert.Equal(3, server.Requests);
        if (damage == "a folder") return;
        // It is whole again.
        Assert.Equal([6f / 9, 8f / 9], judge.Score(settings, "a", "b"));
        Assert.Equal((3, 0), (server.Requests, judge.Warnings.Count));
    }

    [Fact]
    public async Task A_disk_that_refuses_an_answer_is_a_warning_and_no_fault()
    {
        await using var server = await JudgeCase.Service("Answer: 10");
        using var judge = new JudgeCase();
        var settings = JudgeCase.Settings(server.Url) with { Cache = "cache" };
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var reward = judge.Create(settings).Match(static made => made, static fault => throw new FaultException(fault));
        Directory.Delete(judge.Cache);
        Assert.Equal([1f], reward.Score(RemoteCase.Greys(1), RemoteCase.Captions(1)).data<float>().ToArray());
        Assert.Equal(FaultCodes.CannotWrite, Assert.Single(judge.Warnings).Code);
    }

    [Fact]
    public void A_cache_that_cannot_be_is_a_fault_before_the_run()
    {
        using var judge = new JudgeCase();
        var fault = judge.Refusal(JudgeCase.Settings("http://127.0.0.1/v1/chat/completions") with { Cache = "rubric.txt/cache" });
        Assert.Equal((FaultCodes.CannotWrite, Path.Combine(judge.Folder, "rubric.txt", "cache")), (fault.Code, fault.Place?.File));
    }

    [Fact]
    public async Task Nothing_but_answers_stays_in_the_folder()
    {
        await using var server = await JudgeCase.Service("Answer: 3");
        using var judge = new JudgeCase();
        judge.Score(JudgeCase.Settings(server.Url) with { Cache = "deep/cache" }, "a", "b", "c");
        var files = Directory.GetFileSystemEntries(Path.Combine(judge.Folder, "deep", "cache"));
        Assert.Equal(3, files.Length);
        Assert.All(files, static file => Assert.Matches("^[0-9a-f]{64}\\.json$", Path.GetFileName(file)));
    }
}
