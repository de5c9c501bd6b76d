using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Formats;
using LeapAlign.Networks.Pipelines;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Vae;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Formats;

/// <summary>The tables of fields against what the reference libraries read, as bench/reference recorded it, and against the readers.</summary>
public sealed class ReferenceFieldsTests : IDisposable
{
    private const string Nonsense = """[{"x": [null]}]""";

    // Each reader with a folder that has a good file for it.
    private static readonly Dictionary<FileFormat, (string Folder, Func<string, Action<Fault>, Fault?> Read)> s_readers = new()
    {
        [PipelineIndex.Format] = (Sd3, static (path, warn) => FaultOf(PipelineIndex.Read(path, warn))),
        [SchedulerConfig.Format] = (Sd3, static (path, warn) => FaultOf(SchedulerConfig.Read(path, warn))),
        [Sd3Config.Format] = (Sd3, static (path, warn) => FaultOf(Sd3Config.Read(path, warn))),
        [FluxConfig.Format] = (Flux, static (path, warn) => FaultOf(FluxConfig.Read(path, warn))),
        [VaeConfig.Format] = (Sd3, static (path, warn) => FaultOf(VaeConfig.Read(path, warn))),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-fields-").FullName;

    private static string Sd3 => Path.Combine(Repository.Models, "tiny-sd3");

    private static string Flux => Repository.Fixture("pipeline-flux", "model");

    public static TheoryData<string> Recorded() =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "fixtures", "reference-fields"), "*.json").Select(static path => Path.GetFileNameWithoutExtension(path)!).Order()];

    public static TheoryData<string, string> Fields() =>
        [.. s_readers.Keys.SelectMany(static format => format.Fields.Select(field => (format.Reference, field.Name)))];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Every_field_that_the_reference_reads_is_declared(string name)
    {
        using var record = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "fixtures", "reference-fields", $"{name}.json")));
        var (file, reads) = (record.RootElement.GetProperty("file").GetString(), record.RootElement.GetProperty("class").GetString()!);
        var format = Assert.Single(FileFormats.All, format => format.File == file && format.Reference.EndsWith(reads, StringComparison.Ordinal));
        var fields = record.RootElement.GetProperty("fields").EnumerateArray().Select(static field => field.GetString()!).ToArray();
        Assert.NotEmpty(fields);
        Assert.Empty(fields.Except(format.Fields.Select(static field => field.Name)));
        // A field that the reference does not read must not be declared either: unknown keys are what a reader warns of.
        Assert.Empty(format.Fields.Select(static field => field.Name).Except(fields));
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_does_what_its_table_says(string reference, string name)
    {
        var format = s_readers.Keys.Single(format => format.Reference == reference);
        var text = Good(format);
        text[name] = JsonNode.Parse(Nonsense);
        var fault = Read(format, text, out var warnings);
        if (format.Fields.Single(field => field.Name == name).Effect == FieldEffect.NoEffect)
        {
            Assert.Null(fault);
        }
        else
        {
            Assert.Equal(FaultCodes.WrongModelClass, fault?.Code);
            Assert.Equal(name, fault?.Place?.Key);
            Assert.Contains($"'{name}'", fault?.Message, StringComparison.Ordinal);
        }
        Assert.Empty(warnings);
    }

    [Fact]
    public void A_key_that_the_reference_does_not_know_is_one_warning_with_the_nearest_name()
    {
        var text = Good(SchedulerConfig.Format);
        text["use_karas_sigmas"] = true;
        Assert.Null(Read(SchedulerConfig.Format, text, out var warnings));
        var warning = Assert.Single(warnings);
        Assert.Equal(FaultCodes.UnknownField, warning.Code);
        Assert.Equal("use_karas_sigmas", warning.Place?.Key);
        Assert.Contains("'use_karras_sigmas'", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_that_diffusers_keeps_to_itself_are_no_warning()
    {
        var text = Good(VaeConfig.Format);
        text["_name_or_path"] = "/somewhere";
        Assert.Null(Read(VaeConfig.Format, text, out var warnings));
        Assert.Empty(warnings);
    }

    [Fact]
    public void Reading_what_is_not_declared_is_a_mistake_of_the_program()
    {
        var path = Write(Good(VaeConfig.Format));
        var format = VaeConfig.Format with { Fields = [.. VaeConfig.Format.Fields.Where(static field => field.Name != "layers_per_block")] };
        Assert.Throws<InvalidOperationException>(() => Configuration.ConfigFields.Read(path, "AutoencoderKL", static fields => fields.Size("layers_per_block"), format));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static JsonObject Good(FileFormat format) => JsonNode.Parse(File.ReadAllText(Path.Combine(s_readers[format].Folder, format.File)))!.AsObject();

    private static Fault? FaultOf<T>(Result<T> result) => result.Match<Fault?>(static _ => null, static fault => fault);

    private Fault? Read(FileFormat format, JsonObject text, out List<Fault> warnings)
    {
        List<Fault> told = [];
        var fault = s_readers[format].Read(Write(text), told.Add);
        warnings = told;
        return fault;
    }

    private string Write(JsonObject text)
    {
        var path = Path.Combine(_folder, "file.json");
        File.WriteAllText(path, text.ToJsonString());
        return path;
    }
}
