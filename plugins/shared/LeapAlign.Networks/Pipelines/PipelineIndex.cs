using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Networks.Pipelines;

/// <summary>model_index.json of diffusers' <c>StableDiffusion3Pipeline</c>: the components, and the class of each.</summary>
/// <param name="Components">The components that are there, in the order of the table.</param>
public sealed record PipelineIndex(IReadOnlyList<string> Components)
{
    private const string ClassName = "StableDiffusion3Pipeline";
    private const string T5 = "text_encoder_3";
    private const string T5Tokenizer = "tokenizer_3";

    private static readonly string[] s_imagePrompts = ["image_encoder", "feature_extractor"];

    private static readonly Component[] s_components =
    [
        new("transformer", "diffusers", "SD3Transformer2DModel"),
        new("scheduler", "diffusers", SchedulerConfig.ClassName),
        new("vae", "diffusers", "AutoencoderKL"),
        new("text_encoder", "transformers", "CLIPTextModelWithProjection"),
        new("tokenizer", "transformers", "CLIPTokenizer", "CLIPTokenizerFast"),
        new("text_encoder_2", "transformers", "CLIPTextModelWithProjection"),
        new("tokenizer_2", "transformers", "CLIPTokenizer", "CLIPTokenizerFast"),
        new(T5, "transformers", "T5EncoderModel") { MayLack = true },
        new(T5Tokenizer, "transformers", "T5Tokenizer", "T5TokenizerFast") { MayLack = true },
    ];

    /// <summary>Its fields.</summary>
    public static FileFormat Format { get; } = new("model_index.json", $"diffusers {ClassName}",
    [
        RefusedUnless("_class_name", $"{ClassName}; code of its own is not run"),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        NoEffect("_diffusers_version", "who wrote it"),
        NoEffect("_ignore_files", "diffusers reads it when it downloads"),
        .. s_components.Select(static component => RefusedUnless(component.Name, component.Supported)),
        .. s_imagePrompts.Select(static name => Honoured(name, "copied into exports; image prompts (IP adapters), which alone use it, are not supported")),
    ])
    { IsOfDiffusers = true };

    /// <summary>Reads a file.</summary>
    /// <param name="path">The model_index.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <returns>A fault when the file is absent, or when it names another pipeline or a component of another class, or lacks one.</returns>
    public static Result<PipelineIndex> Read(string path, Action<Fault>? warn = null) => ConfigFields.Read(path, ClassName, From, Format, warn);

    private static PipelineIndex From(ConfigFields fields)
    {
        List<string> there = [];
        foreach (var component in s_components)
        {
            var words = fields.Pair(component.Name);
            if (words is null) fields.Require(component.MayLack, component.Name, $"is missing, but has to be {component.Supported}");
            else if (component.Takes(words.Value)) there.Add(component.Name);
            else fields.Require(false, component.Name, $"is {words.Value.First} {words.Value.Second}, but has to be {component.Supported}");
        }
        there.AddRange(s_imagePrompts.Where(name => fields.Pair(name) is not null));
        fields.Require(!there.Contains(T5) || there.Contains(T5Tokenizer), T5Tokenizer, $"is missing, but {T5} is there");
        return new PipelineIndex(there);
    }

    private sealed record Component(string Name, string Library, params string[] Classes)
    {
        public bool MayLack { get; init; }

        public string Supported => $"{string.Join(" or ", Classes.Select(name => $"{Library} {name}"))}{(MayLack ? ", or null" : "")}";

        public bool Takes((string First, string Second) words) => words.First == Library && Classes.Contains(words.Second);
    }
}
