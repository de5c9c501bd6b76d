using System.Buffers.Binary;
using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Commands;

/// <summary><c>score</c> from its command line: which parts it opens, and what it writes where.</summary>
[Collection("process")]
public sealed class ScoreVerbTests : IDisposable
{
    // A plugins.json of no run at all: the model is nobody's, and there is nothing else.
    private const string RewardsAlone = """
        { "run": { "device": "cpu" }, "model": { "id": "nobodys" }, "rewards": [ "flat", { "id": "smooth", "name": "held", "role": "heldOut" } ] }
        """;

    private readonly TestWorkspace _workspace = new TestWorkspace().Write(RewardsAlone);
    private readonly ScoredFolder _folder = new();
    private readonly TestTerminal _terminal = new();

    public ScoreVerbTests() => _workspace.Drop("parts");

    public void Dispose()
    {
        _folder.Dispose();
        _workspace.Dispose();
    }

    [Fact]
    public void All_rewards_are_columns_and_no_other_part_need_be_there()
    {
        var (a, b) = (_folder.Write("a.png", 0), _folder.Write("b.png", 9, width: 7));
        Assert.Equal(0, Score(b, a, "--caption", "a red circle"));
        var rows = _terminal.Output.TrimEnd().Split('\n');
        Assert.Matches("^picture +flat +held *$", rows[0]);
        Assert.StartsWith(b, rows[1], StringComparison.Ordinal);
        Assert.StartsWith(a, rows[2], StringComparison.Ordinal);
        Assert.Equal(3, rows.Length);
        Assert.Empty(_terminal.Error);
    }

    [Fact]
    public void Json_on_standard_output_is_all_that_is_there()
    {
        var bytes = ScoredFolder.Bytes(40, 4, 3);
        Assert.Equal(0, Score(_folder.Write("a.png", 40), "--caption", "a red circle", "--json", "-", "--csv", _folder.At("s.csv")));
        var json = JsonNode.Parse(_terminal.Output)!;
        Assert.Equal(["flat", "held"], json["rewards"]!.AsArray().Select(static reward => (string)reward!["name"]!));
        Assert.Equal(["train", "heldOut"], json["rewards"]!.AsArray().Select(static reward => (string)reward!["role"]!));
        var picture = json["pictures"]!.AsArray().Single()!;
        Assert.Equal((_folder.At("a.png"), "a red circle", 4, 3), ((string)picture["picture"]!, (string)picture["caption"]!, (int)picture["width"]!, (int)picture["height"]!));
        Assert.Equal(bytes.Average(static value => value) / 255, (double)picture["scores"]!["flat"]!, 1e-6);
        Assert.Equal(2, File.ReadAllLines(_folder.At("s.csv")).Length);
        Assert.Empty(_terminal.Error);
    }

    [Fact]
    public void A_picture_whose_header_promises_more_than_can_be_held_is_refused()
    {
        var path = _folder.Write("a.png", 0);
        var bytes = File.ReadAllBytes(path);
        // Behind the signature: the length and name of the first chunk, width, height, five bytes, and the sum over all but the length.
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), 60_000);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(20), 60_000);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(29), Crc(bytes.AsSpan(12, 17)));
        File.WriteAllBytes(path, bytes);
        Assert.Equal(5, Score(path, "--caption", "x"));
        Assert.Equal($"error LA4010: {path}: the picture cannot be read: it has 60000 x 60000 pixels, more than can be held\n", _terminal.Error);
    }

    [Fact]
    public void A_pipe_is_no_picture_and_nobody_waits_for_it()
    {
        SpecialFile.Pipe(_folder.At("a.png"));
        Assert.Equal(5, Score(_folder.At("a.png"), "--caption", "x"));
        Assert.Contains("error LA4010: ", _terminal.Error, StringComparison.Ordinal);
        Assert.Contains("it is a named pipe, not a file", _terminal.Error, StringComparison.Ordinal);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var each in bytes)
        {
            sum ^= each;
            for (var bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ (0xEDB88320 & (uint)-(int)(sum & 1));
        }
        return ~sum;
    }

    [Fact]
    public void Rewards_are_chosen_by_name_or_given_as_entries_in_the_order_asked_for()
    {
        Assert.Equal(0, Score(_folder.Write("a.png", 40), "--caption", "x", "--csv", "-", "--reward", "held", "--reward", """{"id":"smooth","name":"mine","settings":{"tint":"blue"}}""", "--reward", "flat", "--reward", "held"));
        Assert.StartsWith("picture,caption,width,height,held,mine,flat\n", _terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reward_of_latents_is_refused_by_name()
    {
        Assert.Equal(4, Score(_folder.Write("a.png", 40), "--caption", "x", "--reward", "flat", "--reward", """{"id":"deep"}"""));
        Assert.Contains("LA3002", _terminal.Error, StringComparison.Ordinal);
        Assert.Contains("the reward 'deep' scores the latents of a model", _terminal.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hold", 2, "error LA1009: --reward: there is no reward 'hold'", "did you mean 'held'?")]
    [InlineData("""{"id":"smoth"}""", 3, "error LA2001: --reward rewards[2].id", "did you mean 'smooth'?")]
    [InlineData("""{"id":"smooth","settings":{"tinnt":"blue"}}""", 2, "error LA1003: --reward rewards[2].settings.tinnt", "did you mean 'tint'?")]
    [InlineData("""{"id":"flat"}""", 2, "error LA1006: --reward rewards[2]", "two rewards are called 'flat'")]
    [InlineData("""{"id":""", 2, "error LA1002: --reward(1,", "JSON")]
    public void A_reward_that_there_is_not_is_a_fault(string reward, int code, string words, string hint)
    {
        Assert.Equal(code, Score(_folder.Write("a.png", 40), "--caption", "x", "--reward", reward));
        Assert.StartsWith(words, _terminal.Error, StringComparison.Ordinal);
        Assert.Contains(hint, _terminal.Error, StringComparison.Ordinal);
        Assert.Empty(_terminal.Output);
    }

    [Fact]
    public void A_file_of_captions_names_pictures_beside_it()
    {
        _folder.Write("a.png", 0);
        _folder.Write("b.png", 90);
        File.WriteAllText(_folder.At("c.jsonl"), "{\"file\":\"b.png\",\"caption\":\"one\"}\n{\"file\":\"a.png\",\"prompt\":\"two\"}\n");
        Assert.Equal(0, Score("--captions", _folder.At("c.jsonl")));
        var rows = _terminal.Output.TrimEnd().Split('\n');
        Assert.Matches("^picture +caption +flat +held *$", rows[0]);
        Assert.Matches($"^{_folder.At("b.png")} +one ", rows[1]);
        Assert.Matches($"^{_folder.At("a.png")} +two ", rows[2]);

        File.AppendAllText(_folder.At("c.jsonl"), "\n{\"file\":\"d.png\",\"prompt\":\"two\"}\n");
        Assert.Equal(5, Score("--captions", _folder.At("c.jsonl")));
        Assert.StartsWith($"error LA4010: {_folder.At("c.jsonl")}(4,1) file: the picture 'd.png' does not exist", _terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_rewards_is_a_fault()
    {
        _workspace.Write("{}");
        Assert.Equal(4, Score(_folder.Write("a.png", 40), "--caption", "x"));
        Assert.Contains("error LA3001", _terminal.Error, StringComparison.Ordinal);
        Assert.Equal(0, Score(_folder.At("a.png"), "--caption", "x", "--reward", """{"id":"flat"}"""));
    }

    // With what the program brings: the plugins of rewards, and the models of the repository.
    [Fact]
    public void A_picture_has_one_score_whatever_is_scored_beside_it()
    {
        _workspace.Write($$"""
            { "run": { "device": "cpu" }, "rewards": [ { "id": "clip", "settings": { "model": {{JsonValue.Create(Path.Combine(Repository.Root, "models", "tiny-clip-reward")).ToJsonString()}} } }, "jpeg-size" ] }
            """);
        string[] pictures = [_folder.Write("a.png", 3, 64, 64), _folder.Write("b.png", 90, 40, 72), _folder.Write("c.png", 201, 64, 64)];
        Assert.Equal(0, Score([.. pictures, "--caption", "a red circle", "--json", _folder.At("all.json")]));
        var all = Scores("all.json");
        Assert.Equal(3, all.Distinct().Count());
        for (var i = 0; i < pictures.Length; i++)
        {
            Assert.Equal(0, Score(pictures[i], "--caption", "a red circle", "--json", _folder.At("one.json")));
            Assert.Equal(all[i], Scores("one.json").Single());
        }
        Assert.Equal(0, Score(pictures[0], "--caption", "two blue squares", "--json", _folder.At("one.json")));
        Assert.NotEqual(all[0].Clip, Scores("one.json").Single().Clip);
        Assert.Equal(all[0].Size, Scores("one.json").Single().Size);
    }

    private (double Clip, double Size)[] Scores(string file) =>
        [.. JsonNode.Parse(File.ReadAllText(_folder.At(file)))!["pictures"]!.AsArray().Select(static picture => ((double)picture!["scores"]!["clip"]!, (double)picture["scores"]!["jpeg-size"]!))];

    private int Score(params string[] arguments) => _terminal.Run(Path.Combine(TestWorkspace.HostFolder, "plugins"), ["score", "-c", _workspace.Config, .. arguments]);
}
