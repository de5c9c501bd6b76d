using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Commands;

/// <summary><c>likelihood</c> from its command line, with the embedded model.</summary>
[Collection("process")]
public sealed class LikelihoodVerbTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write($$"""
        { "run": { "device": "cpu", "dtype": "float32" }, "model": { "id": "sd3", "settings": { "folder": {{JsonValue.Create(Path.Combine(Repository.Root, "models", "tiny-sd3")).ToJsonString()}} } }, "sampler": "flow-euler" }
        """);

    private readonly ScoredFolder _folder = new();
    private readonly TestTerminal _terminal = new();

    public void Dispose()
    {
        _folder.Dispose();
        _workspace.Dispose();
    }

    [Fact]
    public void Pictures_of_files_have_one_likelihood_whatever_is_beside_them()
    {
        string[] pictures = [_folder.Write("a.png", 3, 32, 32), _folder.Write("b.png", 90, 32, 32)];
        Assert.Equal(0, Run([.. pictures, "--caption", "a red circle", "--json", _folder.At("all.json"), "--csv", _folder.At("all.csv"), "--estimator", "signs,coordinates,tiles"]));
        var all = JsonNode.Parse(File.ReadAllText(_folder.At("all.json")))!;
        var first = all["pictures"]![0]!;
        Assert.Equal((pictures[0], "a red circle", 32), ((string)first["picture"]!, (string)first["caption"]!, (int)first["width"]!));
        Assert.Equal(["signs", "coordinates", "tiles"], first["estimates"]!.AsObject().Select(static form => form.Key));
        Assert.Equal(
            ((double)first["estimates"]!["signs"]!["logLikelihood"]! + (double)all["pictures"]![1]!["estimates"]!["signs"]!["logLikelihood"]!) / 2,
            (double)all["mean"]!["signs"]!["logLikelihood"]!,
            1e-6);
        var rows = File.ReadAllLines(_folder.At("all.csv"));
        Assert.Equal(3, rows.Length);
        Assert.StartsWith("picture,caption,width,height,dimensions,prior,noiseSize,signs.logLikelihood,signs.standardError,signs.bitsPerDimension,signs.varianceOfEstimate,coordinates.logLikelihood", rows[0], StringComparison.Ordinal);
        Assert.Contains("mean of 2 by tiles", _terminal.Output, StringComparison.Ordinal);
        Assert.Empty(_terminal.Error);

        Assert.Equal(0, Run(pictures[0], "--caption", "a red circle", "--json", _folder.At("one.json"), "--estimator", "signs,coordinates,tiles"));
        Assert.Equal(first.ToJsonString(), JsonNode.Parse(File.ReadAllText(_folder.At("one.json")))!["pictures"]![0]!.ToJsonString());
    }

    // A picture that is named twice has probes of its own each time.
    [Fact]
    public void Each_picture_has_its_own_probes()
    {
        var picture = _folder.Write("a.png", 3, 32, 32);
        Assert.Equal(0, Run(picture, picture, "--caption", "x", "--csv", "-", "--estimator", "signs", "--solver", "euler"));
        var rows = _terminal.Output.TrimEnd().Split('\n').Select(static row => row.Split(',')).ToArray();
        Assert.Equal(rows[1][5], rows[2][5]);
        Assert.NotEqual(rows[1][7], rows[2][7]);
    }

    [Fact]
    public void Drawn_pictures_need_no_files()
    {
        Assert.Equal(0, Run("--draw", "2", "--caption", "a red circle", "--size", "32x32", "--csv", "-", "--estimator", "signs", "--solver", "euler"));
        var rows = _terminal.Output.TrimEnd().Split('\n');
        Assert.Equal(3, rows.Length);
        Assert.StartsWith("0000-00,a red circle,32,32,", rows[1], StringComparison.Ordinal);
        Assert.NotEqual(rows[1].Split(',')[5], rows[2].Split(',')[5]);
    }

    [Theory]
    [InlineData("nothing says what", "expected --caption, --captions or --draw")]
    [InlineData("no pictures --caption x", "expected files or folders of them, or --draw", false)]
    [InlineData("a.png --caption x --draw 2", "--draw has the model draw its pictures; files of pictures cannot be given beside it")]
    [InlineData("a.png --caption x --size 32x32", "--size is that of drawn pictures")]
    [InlineData("a.png --caption x --estimator signs,coordinate", "there is no estimator 'coordinate'; did you mean 'coordinates'?")]
    [InlineData("a.png --caption x --estimator signs,signs", "--estimator names one twice")]
    [InlineData("a.png --caption x --solver hein", "there is no solver 'hein'; did you mean 'heun'?")]
    [InlineData("a.png --caption x --products 1", "--products must be 2 to 16384, not 1")]
    [InlineData("a.png --caption x --json - --csv -", "--json and --csv both ask for standard output")]
    public void What_does_not_go_together_is_refused(string line, string words, bool pictures = true)
    {
        string[] arguments = [.. line.Split(' ')];
        Assert.Equal(2, Run(pictures ? arguments : arguments[2..]));
        Assert.Contains(words, _terminal.Error, StringComparison.Ordinal);
        Assert.Empty(_terminal.Output);
    }

    [Fact]
    public void A_size_that_does_not_fit_the_model_names_the_picture()
    {
        var odd = _folder.Write("odd.png", 3, 33, 32);
        Assert.NotEqual(0, Run(odd, "--caption", "x"));
        Assert.Contains(odd, _terminal.Error, StringComparison.Ordinal);
        Assert.Contains("33 x 32", _terminal.Error, StringComparison.Ordinal);
    }

    private int Run(params string[] arguments) => _terminal.Run(Path.Combine(TestWorkspace.HostFolder, "plugins"), ["likelihood", "-c", _workspace.Config, .. arguments.Contains("--steps") ? (string[])[] : ["--steps", "2"], .. arguments]);
}
