using System.Text.Json.Serialization;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using SkiaSharp;
using Spectre.Console;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Runs;

/// <summary><c>generate</c> with a model that draws what its captions say.</summary>
public sealed class GeneratedPictureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("generation-").FullName;
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _output.Dispose();
    }

    [Fact]
    public void Pictures_are_written_and_counted()
    {
        Generate(new Drawing(), "plain", "another").Value();
        Assert.Equal(["0000-plain.png", "0001-another.png"], Written());
        Assert.Equal($"2 pictures in {_folder}\n", _output.ToString());
    }

    [Theory]
    [InlineData("velocity 0", "from its 1st sampling step on")]
    [InlineData("velocity 2", "from its 3rd sampling step on")]
    [InlineData("decode", "as it was decoded")]
    public void A_picture_that_is_not_finite_is_a_fault_that_says_since_when(string broken, string since)
    {
        Generate(new Drawing(), "plain", broken, "never").Fault(FaultCodes.PictureNotFinite, $"'{broken}'", since, "1 of 3 pictures");
        Assert.Equal(["0000-plain.png"], Written());
    }

    [Fact]
    public void An_interruption_says_how_many_pictures_there_are()
    {
        using var source = new CancellationTokenSource();
        Generate(new Drawing { Drawn = source.Cancel, Stop = source.Token }, "a", "b", "c").Value();
        Assert.Equal(["0000-a.png"], Written());
        Assert.Equal($"interrupted: 1 of 3 pictures in {_folder}\n", _output.ToString());
    }

    [Fact]
    public void A_size_is_that_of_the_picture_and_of_its_schedule()
    {
        var drawing = new Drawing { Size = new ImageSize(32, 8) };
        Generate(drawing, "wide").Value();
        using var picture = SKBitmap.Decode(Path.Combine(_folder, "0000-wide.png"));
        Assert.Equal((32, 8), (picture.Width, picture.Height));
        // The model's own size is 16 x 16.
        Assert.Equal(DrawingModel.NativeTokens, drawing.Tokens);
        drawing = new Drawing { Size = new ImageSize(32, 32) };
        Generate(drawing, "large").Value();
        Assert.Equal(4 * DrawingModel.NativeTokens, drawing.Tokens);
    }

    [Fact]
    public void A_size_that_the_model_refuses_is_its_fault()
    {
        Generate(new Drawing { Size = new ImageSize(12, 8) }, "odd").Fault(FaultCodes.OutOfRange, "multiples of 8");
        Assert.Empty(Written());
    }

    [Fact]
    public void Rows_name_pictures_from_their_own_folder()
    {
        var rows = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "rows")).FullName, "all.jsonl");
        Generate(new Drawing { Rows = rows }, "plain", "a \"quoted\" one").Value();
        Assert.Equal(
            """
            {"file":"../0000-plain.png","caption":"plain"}
            {"file":"../0001-a--quoted--one.png","caption":"a \"quoted\" one"}

            """,
            File.ReadAllText(rows),
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void Latents_lie_beside_their_picture_and_rows_name_them()
    {
        using var scope = NewDisposeScope();
        var rows = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "rows")).FullName, "all.jsonl");
        Generate(new Drawing { Rows = rows, Latents = true }, "one", "two").Value();
        Assert.Equal(["0000-one.png", "0000-one.safetensors", "0001-two.png", "0001-two.safetensors"], Written());
        Assert.Equal("""{"file":"../0001-two.png","caption":"two","latents":"../0001-two.safetensors"}""", File.ReadLines(rows).Last());
        foreach (var (id, name) in new[] { "one", "two" }.Index())
        {
            // No velocity moves them: they are the noise that they began as.
            var noise = PictureSampling.NoiseOf(Generation.KeyOf(0), [new PictureRequest(new Prompt(id, name), 0)], [1, 2, 2], CPU)[0];
            var read = PromptLatents.Read(Path.Combine(_folder, $"000{id}-{name}.safetensors"), new StoredLatents("latents", null, new SourcePlace(rows)), new LatentSpace([1, 2, 2], 4)).Value();
            Assert.True(read.equal(noise).all().item<bool>());
        }
    }

    [Fact]
    public void An_interruption_leaves_rows_of_what_was_drawn()
    {
        using var source = new CancellationTokenSource();
        var rows = Path.Combine(_folder, "all.jsonl");
        Generate(new Drawing { Drawn = source.Cancel, Stop = source.Token, Rows = rows }, "a", "b").Value();
        Assert.Equal("""{"file":"0000-a.png","caption":"a"}""", File.ReadAllText(rows).TrimEnd());
    }

    // log/pictures and log/rows.jsonl, where there is no log yet.
    [Theory]
    [InlineData("log/pictures", "log/rows.jsonl", false)]
    [InlineData("log/pictures", "log/pictures/rows.jsonl", false)]
    [InlineData("log/pictures", "log/rows.jsonl", true)]
    public void Rows_may_lie_in_a_folder_that_the_pictures_make(string output, string file, bool stopped)
    {
        using var source = new CancellationTokenSource();
        if (stopped) source.Cancel();
        var rows = Path.Combine(_folder, file);
        Generate(new Drawing { Output = output, Rows = rows, Stop = source.Token }, "a").Value();
        Assert.Equal(stopped ? 0 : 1, File.ReadLines(rows).Count());
    }

    [Theory]
    [InlineData("log/pictures", "logs/rows.jsonl")]
    [InlineData("log", "log/pictures/rows.jsonl")]
    public void Rows_beside_no_folder_are_refused(string output, string file)
    {
        Generate(new Drawing { Output = output, Rows = Path.Combine(_folder, file) }, "a").Fault(FaultCodes.CannotWrite, "its folder does not exist");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Rows_that_cannot_be_written_are_refused_before_anything_is_drawn()
    {
        Generate(new Drawing { Rows = Path.Combine(_folder, "absent", "all.jsonl") }, "plain").Fault(FaultCodes.CannotWrite, "its folder does not exist");
        Assert.Empty(Written());
    }

    [Fact]
    public void Rows_on_standard_output_are_alone_there()
    {
        Generate(new Drawing { Rows = OutputFile.StandardOutput }, "plain").Value();
        Assert.Equal($$"""{"file":"{{Path.GetRelativePath(Environment.CurrentDirectory, Path.Combine(_folder, "0000-plain.png"))}}","caption":"plain"}""", _output.ToString().TrimEnd());
    }

    [Fact]
    public void A_row_has_what_the_file_of_captions_says_but_for_another_caption()
    {
        var prompt = new Prompt(0, "a circle", """{"prompt": "a circle", "file": "other.png", "include": [{"class": "circle"}]}""");
        Assert.Equal("""{"file":"x/1.png","caption":"a circle","include":[{"class":"circle"}]}""", PictureRow.Line(prompt, @"x\1.png", "a circle"));
        Assert.Equal("""{"file":"1.png","caption":"a ring"}""", PictureRow.Line(prompt, "1.png", "a ring"));
    }

    private Result<Completion> Generate(Drawing drawing, params string[] captions)
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, "evaluation.batch=1").Value();
        plan = plan with { Model = Part<IModel>(plan.Model, new DrawingModel(drawing)), Sampler = Part<ISampler>(plan.Sampler, new PlainSampler(drawing)) };
        var console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(_output), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No });
        return new Generation(new Terminal(console, TextWriter.Null), NullLoggerFactory.Instance)
            .Generate(plan, new GenerateOptions(captions, Path.Combine(_folder, drawing.Output), 0, null, 1) { Size = drawing.Size, Rows = drawing.Rows, Latents = drawing.Latents }, drawing.Stop);
    }

    private string[] Written() => [.. Directory.EnumerateFiles(_folder).Select(static file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static PartPlan Part<T>(PartPlan old, T part)
        where T : class =>
        old with { Definition = PartDefinition.Of<T, Nothing>(old.Definition.Id, NothingJson.Default.Nothing, (_, _) => part), Settings = new Nothing(), Plugin = null };

    /// <summary>What a test wants of the model, and what it was asked for.</summary>
    private sealed class Drawing
    {
        public Action Drawn { get; init; } = static () => { };

        public CancellationToken Stop { get; init; }

        public ImageSize? Size { get; init; }

        public string Output { get; init; } = "";

        public string? Rows { get; init; }

        public bool Latents { get; init; }

        public int Tokens { get; set; }
    }

    private sealed class DrawingModel(Drawing drawing) : IModel
    {
        public const int NativeTokens = 64;
        private const int Cell = 8;
        private string _caption = "";
        private int _step;

        public ParameterSet Parameters => ParameterSet.Empty;

        public GuidanceForm GuidanceForm => GuidanceForm.Branches;

        public FlowScheduling Scheduling { get; } = new() { ImageTokens = NativeTokens };

        public ImageSize NativeSize { get; } = new(16, 16);

        public Result<LatentSpace> Latents(ImageSize size) => size.Width % Cell == 0 && size.Height % Cell == 0
            ? new LatentSpace([1, size.Height / Cell, size.Width / Cell], NativeTokens * size.Width * size.Height / (NativeSize.Width * NativeSize.Height))
            : new Fault.Configuration(FaultCodes.OutOfRange, $"width and height are multiples of {Cell}");

        public Conditioning Encode(ConditioningRequest request)
        {
            (_caption, _step) = (request.Captions.Single(), 0);
            return new Captions();
        }

        public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) =>
            _caption == $"velocity {_step++}" ? full_like(latents, double.NaN) : zeros_like(latents);

        public Tensor Decode(Tensor latents)
        {
            drawing.Drawn();
            var value = _caption == "decode" ? double.PositiveInfinity : 0.5;
            return full([latents.shape[0], 3, latents.shape[2] * Cell, latents.shape[3] * Cell], value);
        }

        public Tensor Encode(Tensor images) => throw new NotSupportedException();

        public void Refresh() => throw new NotSupportedException();

        public IDisposable Use(Policy policy) => throw new NotSupportedException();

        public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();
    }

    private sealed class Captions : Conditioning
    {
        public override int BatchSize => 1;

        public override int EvaluationsPerVelocity => 1;

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class PlainSampler(Drawing drawing) : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null)
        {
            drawing.Tokens = scheduling.ImageTokens;
            return new Schedule([1, 0.75, 0.5, 0.25, 0]);
        }

        public Tensor Roll(Tensor latents, SamplingPath path)
        {
            var state = latents.alias();
            for (var step = path.From; step < path.To; step++) state += path.Velocity(state, step);
            return state;
        }
    }
}

internal sealed record Nothing;

[JsonSerializable(typeof(Nothing))]
internal sealed partial class NothingJson : JsonSerializerContext;
