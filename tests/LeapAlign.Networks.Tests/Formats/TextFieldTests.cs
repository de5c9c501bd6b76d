using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Networks.Blip;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Formats;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Qwen3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Formats;

/// <summary>Every field that transformers reads from a file of ours is in a table, so that a new one cannot slip by: bench/reference/text_fields.py records them.</summary>
public sealed class TextFieldTests : IDisposable
{
    private const string QwenFile = "qwen/tokenizer_config.json";
    private const string Nonsense = """[{"x": [null]}]""";

    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-fields-").FullName;

    public static TheoryData<string, string> Records { get; } = new()
    {
        { "CLIPTextConfig", "" },
        { "CLIPConfig", "" },
        { "CLIPTextConfig", "text_config" },
        { "CLIPTextConfig", "text_config_dict" },
        { "CLIPVisionConfig", "vision_config" },
        { "CLIPVisionConfig", "vision_config_dict" },
        { "T5Config", "" },
        { "Qwen3Config", "" },
        { "CLIPImageProcessor", "" },
        { "CLIPImageProcessor", "image_processor" },
        { "CLIPProcessor", "" },
        { "CLIPTokenizer", "" },
        { "T5Tokenizer", "" },
        { "Qwen2Tokenizer", "" },
        { "Tokenizer.BPE", "" },
        { "Tokenizer.Unigram", "" },
        { "OpenClip", "" },
        { "AddedToken", "" },
    };

    [Theory]
    [MemberData(nameof(Records))]
    public void Every_field_of_the_reference_is_in_the_table(string record, string section)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "fixtures", "reference-fields", "text", $"{record}.json")));
        var fields = Format(record, section).Fields;
        var prefix = section.Length > 0 ? $"{section}." : "";
        var missing = document.RootElement.GetProperty("fields").EnumerateArray().Select(name => prefix + name.GetString())
            .Where(name => !fields.Any(field => field.Name == name || field.Name.StartsWith($"{name}.", StringComparison.Ordinal)));
        Assert.Empty(missing);
    }

    private static Dictionary<string, (FileFormat Format, string Good, Func<string, Fault?> Read)> Readers { get; } = new()
    {
        ["text"] = (TextFormats.ClipText, """{ "architectures": ["CLIPTextModelWithProjection"] }""", static path => FaultOf(ClipTextConfig.Read(path))),
        ["model"] = (TextFormats.ClipModel, """{ "architectures": ["CLIPModel"] }""", static path => FaultOf(ClipConfig.Read(path))),
        ["t5"] = (TextFormats.T5, """{ "architectures": ["T5EncoderModel"] }""", static path => FaultOf(T5Config.Read(path))),
        ["qwen3"] = (TextFormats.Qwen3, """{ "architectures": ["Qwen3Model"] }""", static path => FaultOf(Qwen3Config.Read(path))),
        [QwenFile] = (TokenizerFormats.Qwen2Config, "{}", static path => FaultOf(Qwen2Tokenizer.Load(Path.GetDirectoryName(path)!))),
        ["preprocessor_config.json"] = (PictureFormats.ImageProcessor, "{}", static path => FaultOf(ClipImageProcessor.Read(Path.GetDirectoryName(path)!, Vision()))),
        ["processor_config.json"] = (PictureFormats.Processor, """{ "image_processor": {} }""", static path => FaultOf(ClipImageProcessor.Read(Path.GetDirectoryName(path)!, Vision()))),
        ["open_clip_config.json"] = (OpenClipFormats.Config, """{ "model_cfg": { "embed_dim": 8, "vision_cfg": {}, "text_cfg": {} } }""", static path => FaultOf(OpenClipConfig.Read(path))),
        ["med_config.json"] = (BlipFormats.Text, """{ "architectures": ["BertModel"] }""", static path => FaultOf(BlipConfig.Read(Path.GetDirectoryName(path)!))),
        ["vision_config.json"] = (BlipFormats.Vision, "{}", static path => FaultOf(BlipConfig.Read(WithText(path)))),
        ["tokenizer_config.json"] = (TokenizerFormats.T5Config, "{}", static path => FaultOf(T5Tokenizer.Load(Path.GetDirectoryName(path)!))),
    };

    public static TheoryData<string, string> Fields { get; } = [.. Readers.SelectMany(static reader => reader.Value.Format.Fields.Select(field => (reader.Key, field.Name)))];

    private static string WithText(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        File.WriteAllText(Path.Combine(folder, "med_config.json"), """{ "architectures": ["BertModel"] }""");
        return folder;
    }

    private static ClipVisionConfig Vision() => new()
    {
        Transformer = new ClipTransformerConfig { Width = 8, Layers = 1, Heads = 1, Intermediate = 8, Activation = Activation.Silu, Epsilon = 1e-5 },
        ImageSize = 224,
        PatchSize = 2,
        Channels = 3,
        Projection = 8,
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_does_what_its_table_says(string reader, string name)
    {
        var (format, good, read) = Readers[reader];
        var text = JsonNode.Parse(good)!;
        var section = text;
        foreach (var step in name.Split('.')[..^1]) section = section[step] ??= new JsonObject();
        section[name.Split('.')[^1]] = JsonNode.Parse(Nonsense);
        var path = Path.Combine(_folder, reader);
        File.Copy(Repository.Fixture("tokenizers", "t5", "spiece.model"), Path.Combine(_folder, "spiece.model"));
        if (reader == QwenFile) Repository.CopyFolder(Repository.Fixture("qwen3-text", "tokenizer"), Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text.ToJsonString());
        var fault = read(path);
        if (format.Fields.Single(field => field.Name == name).Effect == FieldEffect.NoEffect)
        {
            Assert.Null(fault);
            return;
        }
        Assert.NotNull(fault);
        // A size is an object of which several keys can be wrong together: it is named whole.
        Assert.Contains(fault.Place?.Key, (string[])[name, name[..Math.Max(0, name.LastIndexOf('.'))]]);
    }

    [Fact]
    public void Every_table_is_in_the_list_names_a_field_once_and_says_why()
    {
        foreach (var (record, section) in Records.Select(static row => row.Data))
        {
            var format = Format(record, section);
            Assert.Contains(format, FileFormats.All);
            Assert.Equal(format.Fields.Count, format.Fields.DistinctBy(static field => field.Name).Count());
            Assert.All(format.Fields, static field => Assert.False(field.Note.Length == 0 && field.Effect != FieldEffect.Honoured, field.Name));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Fault? FaultOf<T>(Result<T> result) => result.Match<Fault?>(static _ => null, static fault => fault);

    private static FileFormat Format(string record, string section) => (record, section) switch
    {
        ("CLIPConfig", _) or (_, "text_config" or "text_config_dict" or "vision_config" or "vision_config_dict") => TextFormats.ClipModel,
        ("CLIPTextConfig", _) => TextFormats.ClipText,
        ("T5Config", _) => TextFormats.T5,
        ("Qwen3Config", _) => TextFormats.Qwen3,
        ("OpenClip", _) => OpenClipFormats.Config,
        ("CLIPProcessor", _) or (_, "image_processor") => PictureFormats.Processor,
        ("CLIPImageProcessor", _) => PictureFormats.ImageProcessor,
        ("CLIPTokenizer", _) => TokenizerFormats.ClipConfig,
        ("T5Tokenizer", _) => TokenizerFormats.T5Config,
        ("Qwen2Tokenizer", _) => TokenizerFormats.Qwen2Config,
        ("Tokenizer.BPE", _) => TokenizerFormats.ClipWhole,
        ("Tokenizer.Unigram", _) => TokenizerFormats.T5Whole,
        _ => TokenizerFormats.AddedTokenObject,
    };
}
