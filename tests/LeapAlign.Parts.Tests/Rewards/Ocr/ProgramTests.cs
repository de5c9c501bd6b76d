using System.Diagnostics;
using System.Globalization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Ocr.Tests;

/// <summary>Programs that read, and programs that do not: absent, hanging, crashing, talkative.</summary>
public sealed class ProgramTests
{
    [Fact]
    public void The_plugin_offers_a_reward_without_gradient_and_reads_its_settings()
    {
        var part = Assert.Single(new OcrPlugin().Parts);
        Assert.Equal((PartKinds.Reward, "ocr"), (part.Kind, part.Id));
        var settings = Assert.IsType<OcrSettings>(part.ReadSettings("{}"));
        Assert.Equal(["tesseract", "stdin", "stdout", "--psm", "6"], settings.Command);
        Assert.Equal((null, true, TextlessCaption.One, 2, 30.0, 65_536, 16), (settings.Url, settings.IgnoreCase, settings.WithoutText, settings.Concurrency, settings.Timeout, settings.MaxResponseBytes, settings.Batch));
        var other = Assert.IsType<OcrSettings>(part.ReadSettings("""{ "withoutText": "fail", "concurrency": 7, "command": ["a", "b"] }"""));
        Assert.Equal((TextlessCaption.Fail, 7, "b"), (other.WithoutText, other.Concurrency, other.Command[1]));
        Assert.DoesNotContain(Capabilities.DifferentiableReward, part.Provides(settings));
        using var program = new Program("");
        using var reward = ReaderCase.Create(ReaderCase.Settings(program)).Match(static made => made, static fault => throw new FaultException(fault));
        Assert.Equal((0.0, 1.0), (reward.Range.Lowest, reward.Range.Highest));
    }

    [Fact]
    public void A_program_gets_the_picture_and_its_arguments_and_what_it_writes_is_read()
    {
        using var program = new Program("cat > $HERE/picture.png; echo \"$1\"; echo OPEN $OMP_THREAD_LIMIT");
        Assert.Equal([1f], ReaderCase.Score(ReaderCase.Settings(program) with { Command = [program.Path, "we are"] }, "a sign 'we are open 1'"));
        Assert.Equal(Contracts.Rewards.PictureBytes.Of(RemoteCase.Greys(1))[0].ToPng(), File.ReadAllBytes(program.At("picture.png")));
    }

    [Fact]
    public void A_program_that_writes_nothing_has_read_nothing()
    {
        using var program = new Program("cat > /dev/null");
        Assert.Equal([0f], ReaderCase.Score(ReaderCase.Settings(program), ReaderCase.Open));
    }

    /// <summary>The picture is larger than what a pipe holds, and the program does not take it.</summary>
    [Fact]
    public void A_program_need_not_take_its_picture_and_may_complain()
    {
        using var program = new Program("head -c 5000000 /dev/zero >&2; echo OPEN");
        using var noise = rand(1, 3, 256, 256, generator: new Generator(7));
        Assert.Equal([1f], ReaderCase.Score(ReaderCase.Settings(program), noise, [ReaderCase.Open]));
    }

    [Theory]
    [InlineData(TextlessCaption.One, 1f)]
    [InlineData(TextlessCaption.Zero, 0f)]
    public void A_caption_without_text_has_the_score_of_the_rule_and_its_picture_is_not_read(TextlessCaption rule, float score)
    {
        using var program = new Program("cat > /dev/null; echo . >> $HERE/calls; echo OPEN");
        var settings = ReaderCase.Settings(program) with { WithoutText = rule };
        Assert.Equal([score, 1f, score], ReaderCase.Score(settings, "a bus", ReaderCase.Open, "the dog's bus"));
        Assert.Single(File.ReadAllLines(program.At("calls")));
        Assert.Equal([score], ReaderCase.Score(settings, "a bus"));
        Assert.Single(File.ReadAllLines(program.At("calls")));
    }

    [Fact]
    public void A_caption_without_text_can_be_a_fault()
    {
        using var program = new Program("touch $HERE/called");
        var fault = ReaderCase.Fault(ReaderCase.Settings(program) with { WithoutText = TextlessCaption.Fail }, ReaderCase.Open, "a bus");
        Assert.Equal((FaultCodes.BadPromptMetadata, 5), (fault.Code, fault.ExitCode));
        Assert.Contains("'a bus' has no text in quotes", fault.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(program.At("called")));
    }

    [Fact]
    public void Scores_do_not_depend_on_the_batch()
    {
        // What is read depends on the picture alone: the checksum of its file.
        using var program = new Program("cksum | cut -d ' ' -f 1");
        var captions = Enumerable.Range(0, 6).Select(static index => $"the number \"{1_000_000_000 + (index * 123_456_789)}\"").ToArray();
        using var pictures = RemoteCase.Greys(6);
        var settings = ReaderCase.Settings(program);
        var whole = ReaderCase.Score(settings with { Concurrency = 6 }, pictures, captions);
        Assert.True(whole.Distinct().Count() > 1);
        Assert.Equal(whole, ReaderCase.Score(settings with { Concurrency = 1 }, pictures, captions));
        Assert.Equal(whole, Enumerable.Range(0, 6).SelectMany(index => ReaderCase.Score(settings, pictures[index..(index + 1)], [captions[index]])));
        Assert.Equal(whole.Reverse(), ReaderCase.Score(settings, pictures.flip(0), [.. captions.Reverse()]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void No_more_processes_run_at_a_time_than_are_allowed(int concurrency)
    {
        using var program = new Program("cat > /dev/null; mkdir -p $HERE/now; touch $HERE/now/$$; sleep 0.1; ls $HERE/now | wc -l > $HERE/seen.$$; rm $HERE/now/$$");
        ReaderCase.Score(ReaderCase.Settings(program) with { Concurrency = concurrency }, [.. Enumerable.Repeat(ReaderCase.Open, 9)]);
        var seen = Directory.GetFiles(program.Folder, "seen.*").Select(static file => int.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(9, seen.Count);
        Assert.InRange(seen.Max(), 1, concurrency);
    }

    [Theory]
    [InlineData("no-such-program-of-leapalign", "there is no program 'no-such-program-of-leapalign' on the PATH")]
    [InlineData("./no-such-program", "no-such-program', which command names")]
    [InlineData("", "there is no program '' on the PATH")]
    public void A_program_that_is_absent_is_a_fault_before_the_run(string command, string message)
    {
        Assert.False(ReaderCase.Create(new OcrSettings { Command = [command] }).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.ProgramNotFound, 2), (fault.Code, fault.ExitCode));
        Assert.StartsWith("reward 'judge': ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_or_a_folder_that_is_no_program_is_a_fault_before_the_run()
    {
        using var program = new Program("");
        File.WriteAllText(program.At("text"), "OPEN");
        foreach (var path in (string[])[program.At("text"), program.Folder + "/"])
        {
            Assert.False(ReaderCase.Create(new OcrSettings { Command = [path] }).TryGet(out _, out var fault));
            Assert.Equal(FaultCodes.ProgramNotFound, fault.Code);
        }
    }

    [Fact]
    public void A_program_that_cannot_be_started_is_a_fault()
    {
        using var program = new Program("");
        File.WriteAllBytes(program.Path, [0x7F, (byte)'E', (byte)'L', (byte)'F', 0, 0]);
        var fault = ReaderCase.Fault(ReaderCase.Settings(program), ReaderCase.Open);
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.Contains("could not be started", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo OPEN; echo 'no\tmodel' >&2; exit 3", "ended with exit code 3 on the picture of 'a sign that says \"OPEN\"': 'no model'")]
    [InlineData("cat > /dev/null; exit 1", "ended with exit code 1 on the picture of 'a sign that says \"OPEN\"' and said nothing")]
    [InlineData("kill -SEGV $$", "ended with exit code 139")]
    public void A_program_that_fails_is_a_fault_with_its_code_and_its_words(string script, string message)
    {
        using var program = new Program(script);
        var fault = ReaderCase.Fault(ReaderCase.Settings(program), ReaderCase.Open);
        Assert.Equal((FaultCodes.ProgramFailed, 6), (fault.Code, fault.ExitCode));
        Assert.StartsWith($"reward 'judge': the program '{program.Path}' {message}", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sleep 300 & echo $! > $HERE/child; wait")]
    [InlineData("exec > /dev/null 2> /dev/null; sleep 300 & echo $! > $HERE/child; wait")]
    [InlineData("trap '' TERM INT; echo OPEN; sleep 300 & echo $! > $HERE/child; wait")]
    public void A_program_that_hangs_is_ended_with_all_that_it_started(string script)
    {
        using var program = new Program(script);
        var watch = Stopwatch.StartNew();
        var fault = ReaderCase.Fault(ReaderCase.Settings(program) with { Timeout = 1 }, ReaderCase.Open);
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.Contains("had not ended after 1 s", fault.Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{watch.Elapsed}");
        var child = File.ReadAllText(program.At("child")).Trim();
        Assert.True(SpinWait.SpinUntil(() => !Runs(child), TimeSpan.FromSeconds(10)), $"process {child} still runs");
    }

    /// <summary>It ended itself and left a process behind that holds its output open.</summary>
    [Fact]
    public void An_output_that_nobody_closes_is_not_waited_for()
    {
        using var program = new Program("sleep 30 & echo $! > $HERE/child; echo OPEN");
        var watch = Stopwatch.StartNew();
        var fault = ReaderCase.Fault(ReaderCase.Settings(program) with { Timeout = 1 }, ReaderCase.Open);
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{watch.Elapsed}");
        using var child = Process.GetProcessById(int.Parse(File.ReadAllText(program.At("child")), CultureInfo.InvariantCulture));
        child.Kill();
    }

    [Fact]
    public void A_program_that_writes_without_end_is_cut_off()
    {
        using var program = new Program("cat > /dev/null; echo $$ > $HERE/child; exec yes OPEN");
        var watch = Stopwatch.StartNew();
        var fault = ReaderCase.Fault(ReaderCase.Settings(program) with { MaxResponseBytes = 10_000 }, ReaderCase.Open);
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.Contains("wrote more than maxResponseBytes (10000 bytes)", fault.Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{watch.Elapsed}");
        var child = File.ReadAllText(program.At("child")).Trim();
        Assert.True(SpinWait.SpinUntil(() => !Runs(child), TimeSpan.FromSeconds(10)), $"process {child} still runs");
    }

    [Fact]
    public void An_output_of_exactly_the_limit_is_read()
    {
        using var program = new Program("cat > /dev/null; printf OPEN; head -c 96 /dev/zero | tr '\\0' ' '");
        var settings = ReaderCase.Settings(program);
        Assert.Equal([1f], ReaderCase.Score(settings with { MaxResponseBytes = 100 }, ReaderCase.Open));
        Assert.Contains("99 bytes", ReaderCase.Fault(settings with { MaxResponseBytes = 99 }, ReaderCase.Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_failure_ends_the_others()
    {
        using var program = new Program("if mkdir $HERE/first 2> /dev/null; then sleep 1; exit 4; fi; sleep 300");
        var watch = Stopwatch.StartNew();
        Assert.Contains("exit code 4", ReaderCase.Fault(ReaderCase.Settings(program) with { Timeout = 100, Concurrency = 3 }, ReaderCase.Open, ReaderCase.Open, ReaderCase.Open).Message, StringComparison.Ordinal);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
    }

    [Fact]
    public void A_failure_after_the_run_was_asked_to_stop_ends_it_as_interrupted()
    {
        using var program = new Program("exit 1");
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => ReaderCase.Score(ReaderCase.Settings(program), RemoteCase.Greys(1), [ReaderCase.Open], stop.Token));
    }

    /// <summary>As Ctrl+C does, which a terminal sends to the run and to its programs.</summary>
    [Fact]
    public void A_program_that_is_interrupted_is_asked_once_more()
    {
        // Tests that a shell runs in the background are deaf to interrupts, and so are their programs.
        const string interrupted = "exec env --default-signal=INT sh -c 'kill -INT $$'";
        using var program = new Program($"cat > /dev/null; if mkdir $HERE/first 2> /dev/null; then {interrupted}; fi; echo OPEN");
        Assert.Equal([1f], ReaderCase.Score(ReaderCase.Settings(program), ReaderCase.Open));
        using var again = new Program($"echo . >> $HERE/calls; {interrupted}");
        Assert.Contains("exit code 130", ReaderCase.Fault(ReaderCase.Settings(again), ReaderCase.Open).Message, StringComparison.Ordinal);
        Assert.Equal(2, File.ReadAllLines(again.At("calls")).Length);
    }

    [Fact]
    public void A_picture_that_is_not_finite_is_not_read()
    {
        using var program = new Program("touch $HERE/called");
        using var scope = NewDisposeScope();
        var fault = Assert.Throws<FaultException>(() => ReaderCase.Score(ReaderCase.Settings(program), full([1, 3, 4, 4], float.PositiveInfinity), [ReaderCase.Open])).Fault;
        Assert.Equal((FaultCodes.NotFinite, false), (fault.Code, File.Exists(program.At("called"))));
    }

    // A process that ended and that nobody has asked about is still in the table, as a zombie.
    private static bool Runs(string process) => File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
}
