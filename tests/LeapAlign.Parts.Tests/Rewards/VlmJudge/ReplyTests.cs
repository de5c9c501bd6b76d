using System.Collections.Concurrent;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;

namespace LeapAlign.Rewards.VlmJudge.Tests;

/// <summary>Rubrics, and what a model may reply to them.</summary>
public sealed class ReplyTests
{
    private const string Range = "Answer: 1 to 10";
    private const string YesNo = "Answer: yes | no";

    [Theory]
    [InlineData(YesNo, "Answer: yes", 1.0)]
    [InlineData(YesNo, "Answer: no", 0.0)]
    [InlineData(YesNo, "It is red.\n\n  answer:  YES \n\n", 1.0)]
    [InlineData(Range, "Answer: 1", 0.0)]
    [InlineData(Range, "Answer: 10", 1.0)]
    [InlineData(Range, "One wheel is absent.\r\nAnswer: 7\r\n", 6.0 / 9)]
    [InlineData("Answer: 0 to 4", "Answer: 1", 0.25)]
    [InlineData("answer: 0 to 100", "Answer: 007", 0.07)]
    public async Task An_answer_of_the_form_is_a_score_from_0_to_1(string form, string reply, double score)
    {
        await using var server = await JudgeCase.Service(reply);
        using var judge = new JudgeCase(form);
        Assert.Equal([(float)score], judge.Score(JudgeCase.Settings(server.Url), "a"));
        Assert.Equal(1, server.Requests);
    }

    [Theory]
    [InlineData(YesNo, "yes")]
    [InlineData(YesNo, "Answer: yes.")]
    [InlineData(YesNo, "**Answer: yes**")]
    [InlineData(YesNo, "Answer: yes | no")]
    [InlineData(YesNo, "Answer: yes, no")]
    [InlineData(YesNo, "Answer: 1")]
    [InlineData(YesNo, "Answer: yes\nI am sure.")]
    [InlineData(YesNo, "Answer: no\nAnswer: yes")]
    [InlineData(Range, "Answer: 11")]
    [InlineData(Range, "Answer: 0")]
    [InlineData(Range, "Answer: -3")]
    [InlineData(Range, "Answer: 7.5")]
    [InlineData(Range, "Answer: 7/10")]
    [InlineData(Range, "Answer: ٧")]
    [InlineData(Range, "Answer: 99999999999999999999")]
    [InlineData(Range, "Answer: yes")]
    [InlineData(Range, "Answer:")]
    [InlineData(Range, "10")]
    [InlineData(Range, "")]
    [InlineData(Range, null)]
    public async Task Another_reply_is_asked_for_once_more_and_then_missing(string form, string? reply)
    {
        var questions = new ConcurrentQueue<string>();
        await using var server = await JudgeCase.Service((question, _) =>
        {
            questions.Enqueue(question.ToJsonString());
            return reply;
        });
        using var judge = new JudgeCase(form);
        var fault = judge.Fault(JudgeCase.Settings(server.Url), "a red bus");
        Assert.Equal((FaultCodes.BadAnswer, 6, 2), (fault.Code, fault.ExitCode, server.Requests));
        Assert.StartsWith($"reward 'judge': {server.Url} gave no ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("the picture of 'a red bus'", fault.Message, StringComparison.Ordinal);
        // The second question is the first and one part more.
        Assert.StartsWith(questions.First()[..^4], questions.Last(), StringComparison.Ordinal);
        Assert.Contains("An earlier reply did not end with such a line", questions.Last(), StringComparison.Ordinal);
        Assert.DoesNotContain("An earlier reply", questions.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_reply_of_the_form_counts()
    {
        await using var server = await JudgeCase.Service(static (_, number) => number == 1 ? "I cannot say." : "Answer: 4");
        using var judge = new JudgeCase();
        Assert.Equal([3f / 9], judge.Score(JudgeCase.Settings(server.Url) with { Cache = "cache" }, "a"));
        Assert.Equal([3f / 9], judge.Score(JudgeCase.Settings(server.Url) with { Cache = "cache" }, "a"));
        Assert.Equal(2, server.Requests);
    }

    [Fact]
    public async Task A_missing_answer_can_be_left_out_and_is_not_kept()
    {
        await using var server = await JudgeCase.Service(static (question, _) => JudgeCase.CaptionText(question).Contains("odd", StringComparison.Ordinal) ? "?" : "Answer: 10");
        using var judge = new JudgeCase();
        var settings = JudgeCase.Settings(server.Url) with { Missing = MissingAnswer.Skip, Cache = "cache" };
        Assert.Equal([1f, float.NaN, 1f], judge.Score(settings, "even", "odd", "even"));
        Assert.Equal(4, server.Requests);
        Assert.Equal([1f, float.NaN, 1f], judge.Score(settings, "even", "odd", "even"));
        Assert.Equal(6, server.Requests);
    }

    [Fact]
    public async Task A_run_that_was_asked_to_stop_does_not_ask_again()
    {
        using var stop = new CancellationTokenSource();
        await using var server = await JudgeCase.Service((_, _) =>
        {
            stop.Cancel();
            return "?";
        });
        using var judge = new JudgeCase();
        Assert.ThrowsAny<OperationCanceledException>(() => judge.Score(JudgeCase.Settings(server.Url), RemoteCase.Greys(1), ["a"], stop.Token));
        Assert.Equal(1, server.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Is it good?")]
    [InlineData("Is it good?\nAnswer: good | bad")]
    [InlineData("Is it good?\nyes | no")]
    [InlineData("Answer: yes | no\nIs it good?")]
    [InlineData("Answer: yes | no\nAnswer: 1 to 10")]
    [InlineData("Answer: 10 to 1")]
    [InlineData("Answer: 5 to 5")]
    [InlineData("Answer: 1-10")]
    [InlineData("Answer: 0.5 to 1")]
    [InlineData("Answer: -1 to 1")]
    public void A_rubric_that_states_no_form_is_refused_by_name(string text)
    {
        using var judge = new JudgeCase();
        judge.Write("mine.txt", text);
        var fault = judge.Refusal(JudgeCase.Settings("http://127.0.0.1/v1/chat/completions") with { Rubric = "mine.txt" });
        Assert.Equal((FaultCodes.BadRubric, 5, Path.Combine(judge.Folder, "mine.txt")), (fault.Code, fault.ExitCode, fault.Place?.File));
        Assert.Contains("expected a last line 'Answer: yes | no', or a range of whole numbers such as 'Answer: 1 to 10'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rubric_that_cannot_be_read_is_a_fault_with_its_file()
    {
        using var judge = new JudgeCase();
        var settings = JudgeCase.Settings("http://127.0.0.1/v1/chat/completions");
        Assert.Equal((FaultCodes.BadRubric, "the rubric cannot be read: it is not there"), (judge.Refusal(settings with { Rubric = "none.txt" }).Code, judge.Refusal(settings with { Rubric = "none.txt" }).Message));
        Assert.Contains("it is a folder", judge.Refusal(settings with { Rubric = "." }).Message, StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(judge.Folder, "latin.txt"), [0xE4, .. "\nAnswer: yes | no"u8]);
        Assert.Equal(FaultCodes.NotUtf8, judge.Refusal(settings with { Rubric = "latin.txt" }).Code);
        judge.Write("long.txt", new string('x', 300_000) + "\nAnswer: yes | no");
        Assert.Contains("262144 bytes", judge.Refusal(settings with { Rubric = "long.txt" }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rubric_may_begin_with_a_byte_order_mark_and_end_with_blank_lines()
    {
        using var judge = new JudgeCase();
        File.WriteAllBytes(Path.Combine(judge.Folder, "windows.txt"), [0xEF, 0xBB, 0xBF, .. "Is it red?\r\nAnswer: yes | no\r\n\r\n"u8]);
        string? system = null;
        await using var server = await JudgeCase.Service((question, _) =>
        {
            system = (string?)question["messages"]![0]!["content"];
            return "Answer: yes";
        });
        Assert.Equal([1f], judge.Score(JudgeCase.Settings(server.Url) with { Rubric = "windows.txt" }, "a"));
        Assert.EndsWith("The rubric:\n\nIs it red?\nAnswer: yes | no", system, StringComparison.Ordinal);
    }
}
