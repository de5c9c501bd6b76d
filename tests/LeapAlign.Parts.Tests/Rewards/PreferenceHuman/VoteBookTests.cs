using System.Collections.Concurrent;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.PreferenceHuman.Tests;

/// <summary>Votes on the disk.</summary>
public sealed class VoteBookTests : IDisposable
{
    private const string Key = "0123abcd";

    private static readonly PairVotes s_votes = new([new Vote("anna", Preference.Second), new Vote("bert", Preference.Neither)], IsClosed: true);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-book-");
    private readonly ConcurrentQueue<Fault> _warnings = new();

    private string File => Path.Combine(_folder.FullName, $"{Key}.json");

    [Fact]
    public void What_is_kept_is_found_by_whoever_opens_the_folder_next()
    {
        Assert.Equal(PairVotes.None, Open().Find(Key));
        Assert.True(Open().Keep(Key, s_votes).IsOk);
        var found = Open().Find(Key);
        Assert.Equal(s_votes.Votes, found.Votes);
        Assert.True(found.IsClosed);
        Assert.Equal(0, found.Won);
        Assert.Single(_folder.GetFiles());
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("", "cut")]
    [InlineData("half", "cut")]
    [InlineData("[]", "cut")]
    [InlineData("{}", "cut")]
    [InlineData("""{ "votes": [], "closed": false, "sha256": "00" }""", "was changed")]
    [InlineData("""{ "votes": [{ "voter": "anna", "prefers": "both" }], "closed": false, "sha256": "00" }""", "cut")]
    [InlineData("""{ "votes": [{ "voter": "anna", "prefers": "first" }, { "voter": "anna", "prefers": "first" }], "closed": false, "sha256": "00" }""", "two votes")]
    [InlineData("first for second", "was changed")]
    [InlineData("open for closed", "was changed")]
    [InlineData("a voter less", "was changed")]
    [InlineData("of another pair", "was changed")]
    [InlineData("too long", "longer")]
    [InlineData("a folder", "a folder")]
    public void A_file_that_lies_is_named_and_not_used(string damage, string why)
    {
        Assert.True(Open().Keep(Key, s_votes).IsOk);
        var text = System.IO.File.ReadAllText(File);
        switch (damage)
        {
            case "half": System.IO.File.WriteAllText(File, text[..(text.Length / 2)]); break;
            case "first for second": System.IO.File.WriteAllText(File, text.Replace("second", "first", StringComparison.Ordinal)); break;
            case "open for closed": System.IO.File.WriteAllText(File, text.Replace("true", "false", StringComparison.Ordinal)); break;
            case "a voter less": System.IO.File.WriteAllText(File, text.Replace("""{"voter":"anna","prefers":"second"},""", "", StringComparison.Ordinal)); break;
            case "of another pair":
                Assert.True(Open().Keep("4567", s_votes).IsOk);
                System.IO.File.Move(Path.Combine(_folder.FullName, "4567.json"), File, overwrite: true);
                break;
            case "too long": System.IO.File.WriteAllText(File, text + new string(' ', 70_000)); break;
            case "a folder":
                System.IO.File.Delete(File);
                Directory.CreateDirectory(File);
                break;
            default: System.IO.File.WriteAllText(File, damage); break;
        }
        Assert.Equal(PairVotes.None, Open().Find(Key));
        var warning = Assert.Single(_warnings);
        Assert.Equal((FaultCodes.VotesDamaged, 6), (warning.Code, warning.ExitCode));
        Assert.Equal(File, warning.Place!.File);
        Assert.Contains(why, warning.Message, StringComparison.Ordinal);
        // The next vote mends it.
        if (damage == "a folder") return;
        Assert.True(Open().Keep(Key, s_votes).IsOk);
        Assert.Equal(2, Open().Find(Key).Votes.Count);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_a_fault_at_once()
    {
        System.IO.File.WriteAllText(File, "");
        Assert.False(VoteBook.Open(Path.Combine(File, "votes"), _warnings.Enqueue).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.CannotWrite, 6), (fault.Code, fault.ExitCode));
        Assert.Contains("'folder' names another folder", fault.Message, StringComparison.Ordinal);
        // A place where folders can be made but no file: no process can create one there, whoever it is.
        if (!OperatingSystem.IsLinux()) return;
        Assert.False(VoteBook.Open("/proc", _warnings.Enqueue).TryGet(out _, out fault));
        Assert.Equal(FaultCodes.CannotWrite, fault.Code);
    }

    [Theory]
    [InlineData("1", 1.0)]
    [InlineData("2", 0.0)]
    [InlineData("0", 0.5)]
    [InlineData("12", 0.5)]
    [InlineData("112", 1.0)]
    [InlineData("1220", 0.0)]
    [InlineData("100", 1.0)]
    public void The_majority_decides(string votes, double won) =>
        Assert.Equal(won, new PairVotes([.. votes.Select(static (vote, i) => new Vote($"v{i}", vote switch { '1' => Preference.First, '2' => Preference.Second, _ => Preference.Neither }))], false).Won);

    public void Dispose() => _folder.Delete(recursive: true);

    private VoteBook Open() => VoteBook.Open(_folder.FullName, _warnings.Enqueue).Match(static opened => opened, static fault => throw new FaultException(fault));
}
