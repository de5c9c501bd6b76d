namespace LeapAlign.Pipelines;

/// <summary>The pipelines of diffusers that are known.</summary>
public static class PipelineFamilies
{
    private const string ClipText = "CLIPTextModel";
    private const string ClipTextWithProjection = "CLIPTextModelWithProjection";
    private const string T5Encoder = "T5EncoderModel";
    private static readonly string[] s_clipTokenizers = ["CLIPTokenizer", "CLIPTokenizerFast"];
    private static readonly string[] s_t5Tokenizers = ["T5Tokenizer", "T5TokenizerFast"];

    private static readonly PipelineComponent[] s_imagePrompts =
    [
        new("image_encoder", "transformers") { MayLack = true },
        new("feature_extractor", "transformers") { MayLack = true },
    ];

    /// <summary>Stable Diffusion 3 and 3.5: two CLIP encoders, and T5, which a folder may lack.</summary>
    public static PipelineFamily StableDiffusion3 { get; } = new("StableDiffusion3Pipeline",
    [
        .. Common("SD3Transformer2DModel"),
        new("text_encoder", "transformers", ClipTextWithProjection),
        new("tokenizer", "transformers", s_clipTokenizers),
        new("text_encoder_2", "transformers", ClipTextWithProjection),
        new("tokenizer_2", "transformers", s_clipTokenizers),
        new("text_encoder_3", "transformers", T5Encoder) { MayLack = true },
        new("tokenizer_3", "transformers", s_t5Tokenizers) { MayLack = true },
        .. s_imagePrompts,
    ])
    { Model = "sd3", T5Encoder = "text_encoder_3", T5Tokenizer = "tokenizer_3", DefaultTextLength = 256 };

    /// <summary>FLUX.1: a CLIP encoder without projection, and T5.</summary>
    public static PipelineFamily Flux { get; } = new("FluxPipeline",
    [
        .. Common("FluxTransformer2DModel"),
        new("text_encoder", "transformers", ClipText),
        new("tokenizer", "transformers", s_clipTokenizers),
        new("text_encoder_2", "transformers", T5Encoder),
        new("tokenizer_2", "transformers", s_t5Tokenizers),
        .. s_imagePrompts,
    ])
    { Model = "flux", T5Encoder = "text_encoder_2", T5Tokenizer = "tokenizer_2", DefaultTextLength = 512, DefaultGuidance = 3.5, ReadsFlowSigmas = true };

    /// <summary>Z-Image: a Qwen3 language model reads captions.</summary>
    public static PipelineFamily ZImage { get; } = new("ZImagePipeline",
    [
        .. Common("ZImageTransformer2DModel"),
        new("text_encoder", "transformers", "Qwen3Model", "Qwen3ForCausalLM"),
        new("tokenizer", "transformers", "Qwen2Tokenizer", "Qwen2TokenizerFast"),
    ])
    { Model = "z-image", Reader = "Qwen3", DefaultTextLength = 512, PadsCaptions = false, DefaultGuidance = 5, Unguided = 0 };

    /// <summary>All of them, in the order of documentation.</summary>
    public static IReadOnlyList<PipelineFamily> All { get; } = [StableDiffusion3, Flux, ZImage];

    private static PipelineComponent[] Common(string transformer) =>
    [
        new("transformer", "diffusers", transformer),
        new("scheduler", "diffusers", SchedulerConfig.ClassName),
        new("vae", "diffusers", "AutoencoderKL"),
    ];
}
