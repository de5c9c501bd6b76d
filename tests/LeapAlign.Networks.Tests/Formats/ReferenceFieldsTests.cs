using System.Text.Json.Nodes;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Formats;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.ZImage;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Formats;

/// <summary>The tables of fields of networks against their readers.</summary>
public sealed class ReferenceFieldsTests : IDisposable
{
    private const string Nonsense = """[{"x": [null]}]""";

    // Each reader with a folder that has a good file for it.
    private static readonly Dictionary<FileFormat, (string Folder, Func<string, Action<Fault>, Fault?> Read)> s_readers = new()
    {
        [Sd3Config.Format] = (Sd3, static (path, warn) => FaultOf(Sd3Config.Read(path, warn))),
        [FluxConfig.Format] = (Flux, static (path, warn) => FaultOf(FluxConfig.Read(path, warn))),
        [ZImageConfig.Format] = (Repository.Fixture("pipeline-z-image", "model"), static (path, warn) => FaultOf(ZImageConfig.Read(path, warn))),
        [VaeConfig.Format] = (Sd3, static (path, warn) => FaultOf(VaeConfig.Read(path, warn))),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-fields-").FullName;

    private static string Sd3 => Path.Combine(Repository.Models, "tiny-sd3");

    private static string Flux => Repository.Fixture("pipeline-flux", "model");

    public static TheoryData<string, string> Fields() =>
        [.. s_readers.Keys.SelectMany(static format => format.Fields.Select(field => (format.Reference, field.Name)))];

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
