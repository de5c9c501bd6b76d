using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Models.Sd3.Tests;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>The tables of fields of all files against what the reference libraries read, as bench/reference recorded it; those of pipelines against their readers, too.</summary>
public sealed class PipelineFieldsTests : IDisposable
{
    private const string Nonsense = """[{"x": [null]}]""";

    private static readonly Dictionary<string, (FileFormat Format, Func<string, Action<Fault>, Fault?> Read)> s_readers = new()
    {
        ["StableDiffusion3Pipeline"] = Index(PipelineFamilies.StableDiffusion3),
        ["FluxPipeline"] = Index(PipelineFamilies.Flux),
        ["ZImagePipeline"] = Index(PipelineFamilies.ZImage),
        [SchedulerConfig.ClassName] = (SchedulerConfig.Format, static (path, warn) => FaultOf(SchedulerConfig.Read(path, warn))),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-fields-").FullName;

    public static TheoryData<string> Recorded() =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "fixtures", "reference-fields"), "*.json").Select(static path => Path.GetFileNameWithoutExtension(path)!).Order()];

    public static TheoryData<string, string> Fields() => [.. s_readers.SelectMany(static reader => reader.Value.Format.Fields.Select(field => (reader.Key, field.Name)))];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Every_field_that_the_reference_reads_is_declared(string name)
    {
        using var record = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "fixtures", "reference-fields", $"{name}.json")));
        var (file, reads) = (record.RootElement.GetProperty("file").GetString(), record.RootElement.GetProperty("class").GetString()!);
        var format = Assert.Single(PipelineFormats.All, format => format.File == file && format.Reference.EndsWith($" {reads}", StringComparison.Ordinal));
        var fields = record.RootElement.GetProperty("fields").EnumerateArray().Select(static field => field.GetString()!).ToArray();
        Assert.NotEmpty(fields);
        Assert.Empty(fields.Except(format.Fields.Select(static field => field.Name)));
        // A field that the reference does not read must not be declared either: unknown keys are what a reader warns of.
        Assert.Empty(format.Fields.Select(static field => field.Name).Except(fields));
    }

    [Fact]
    public void The_reference_was_asked_for_every_pipeline_that_is_known()
    {
        Assert.All(PipelineFamilies.All, static family => Assert.Contains(Recorded(), record => record.Data == family.ClassName));
        Assert.All(PipelineFamilies.All, static family => Assert.Contains(family.Format, PipelineFormats.All));
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_does_what_its_table_says(string reader, string name)
    {
        var format = s_readers[reader].Format;
        var text = Good(reader);
        text[name] = JsonNode.Parse(Nonsense);
        var fault = Read(reader, text, out var warnings);
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
        var text = Good(SchedulerConfig.ClassName);
        text["use_karas_sigmas"] = true;
        Assert.Null(Read(SchedulerConfig.ClassName, text, out var warnings));
        var warning = Assert.Single(warnings);
        Assert.Equal(FaultCodes.UnknownField, warning.Code);
        Assert.Equal("use_karas_sigmas", warning.Place?.Key);
        Assert.Contains("'use_karras_sigmas'", warning.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (FileFormat Format, Func<string, Action<Fault>, Fault?> Read) Index(PipelineFamily family) =>
        (family.Format, (path, warn) => FaultOf(PipelineIndex.Read(path, family, warn)));

    private static JsonObject Good(string reader) => reader == PipelineFamilies.Flux.ClassName
        ? TestIndex.Flux()
        : reader == PipelineFamilies.ZImage.ClassName ? JsonNode.Parse(File.ReadAllText(Repository.Fixture("pipeline-z-image", "model", PipelineIndex.FileName)))!.AsObject()
        : JsonNode.Parse(File.ReadAllText(Path.Combine(TestModel.Folder, s_readers[reader].Format.File)))!.AsObject();

    private static Fault? FaultOf<T>(Result<T> result) => result.Match<Fault?>(static _ => null, static fault => fault);

    private Fault? Read(string reader, JsonObject text, out List<Fault> warnings)
    {
        List<Fault> told = [];
        var path = Path.Combine(_folder, "file.json");
        File.WriteAllText(path, text.ToJsonString());
        var fault = s_readers[reader].Read(path, told.Add);
        warnings = told;
        return fault;
    }
}
