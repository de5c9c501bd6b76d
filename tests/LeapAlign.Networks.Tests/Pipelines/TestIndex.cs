using System.Text.Json.Nodes;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>The content of model_index.json as diffusers writes it.</summary>
internal static class TestIndex
{
    /// <summary>Of a <c>FluxPipeline</c> without image prompts.</summary>
    public static JsonObject Flux() => JsonNode.Parse("""
        { "_class_name": "FluxPipeline", "_diffusers_version": "0.42.1", "feature_extractor": [null, null], "image_encoder": [null, null],
          "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "text_encoder": ["transformers", "CLIPTextModel"], "text_encoder_2": ["transformers", "T5EncoderModel"],
          "tokenizer": ["transformers", "CLIPTokenizer"], "tokenizer_2": ["transformers", "T5TokenizerFast"],
          "transformer": ["diffusers", "FluxTransformer2DModel"], "vae": ["diffusers", "AutoencoderKL"] }
        """)!.AsObject();
}
