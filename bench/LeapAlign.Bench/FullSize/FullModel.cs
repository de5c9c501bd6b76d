using System.Text.Json.Nodes;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Bench.FullSize;

/// <summary>
/// Writes models of published sizes with random weights: the names, shapes, types and shards of the real ones, beside a CLIP ViT-L/14 for a reward and a plugins.json that
/// trains LoRA on them. Tokenizers are those of the miniature, whose words all have rows in the encoders.
/// </summary>
internal static class FullModel
{
    private static readonly (string Name, string Family, string Transformer)[] s_models =
    [
        ("sd3.5-medium", "sd3", """
            { "_class_name": "SD3Transformer2DModel", "attention_head_dim": 64, "caption_projection_dim": 1536, "dual_attention_layers": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
              "in_channels": 16, "joint_attention_dim": 4096, "num_attention_heads": 24, "num_layers": 24, "out_channels": 16, "patch_size": 2, "pooled_projection_dim": 2048,
              "pos_embed_max_size": 384, "qk_norm": "rms_norm", "sample_size": 128 }
            """),
        ("sd3.5-large", "sd3", """
            { "_class_name": "SD3Transformer2DModel", "attention_head_dim": 64, "caption_projection_dim": 2432, "in_channels": 16, "joint_attention_dim": 4096, "num_attention_heads": 38,
              "num_layers": 38, "out_channels": 16, "patch_size": 2, "pooled_projection_dim": 2048, "pos_embed_max_size": 192, "qk_norm": "rms_norm", "sample_size": 128 }
            """),
        ("flux.1-dev", "flux", """
            { "_class_name": "FluxTransformer2DModel", "attention_head_dim": 128, "axes_dims_rope": [16, 56, 56], "guidance_embeds": true, "in_channels": 64, "joint_attention_dim": 4096,
              "num_attention_heads": 24, "num_layers": 19, "num_single_layers": 38, "patch_size": 1, "pooled_projection_dim": 768 }
            """),
    ];

    private const string Autoencoder = """
        { "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
          "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"], "force_upcast": true, "in_channels": 3, "latent_channels": 16,
          "latents_mean": null, "latents_std": null, "layers_per_block": 2, "norm_num_groups": 32, "out_channels": 3, "sample_size": 1024, "scaling_factor": 1.5305, "shift_factor": 0.0609,
          "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"], "use_post_quant_conv": false, "use_quant_conv": false }
        """;

    private const string T5Xxl = """
        { "architectures": ["T5EncoderModel"], "model_type": "t5", "d_ff": 10240, "d_kv": 64, "d_model": 4096, "feed_forward_proj": "gated-gelu", "layer_norm_epsilon": 1e-06, "num_heads": 64,
          "num_layers": 24, "relative_attention_num_buckets": 32, "vocab_size": 32128 }
        """;

    // The end of a caption is where the miniature's tokenizer puts it.
    private const string Vision = """
        { "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 768,
          "text_config": { "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "eos_token_id": 610 },
          "vision_config": { "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14 } }
        """;

    private const string Preprocessor = """
        { "image_processor_type": "CLIPImageProcessor", "do_resize": true, "size": { "shortest_edge": 224 }, "do_center_crop": true, "crop_size": { "height": 224, "width": 224 }, "do_rescale": true,
          "rescale_factor": 0.00392156862745098, "do_normalize": true, "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3 }
        """;

    /// <summary>Writes one.</summary>
    /// <param name="name">Which.</param>
    /// <param name="folder">Gets <c>model</c>, <c>reward</c>, <c>captions.txt</c> and <c>plugins.json</c>.</param>
    public static Result<Unit> Write(string name, string folder)
    {
        if (s_models.FirstOrDefault(model => model.Name == name) is not { Name: not null } found)
            return new Fault.Configuration(FaultCodes.BadOption, $"there is no model '{name}' to make; there are {string.Join(", ", s_models.Select(static model => model.Name))}");
        var model = Path.Combine(folder, "model");
        var text = found.Family == "sd3"
            ? from l in Clip(model, "text_encoder", 768, 12, "quick_gelu", 768)
              from g in Clip(model, "text_encoder_2", 1280, 32, "gelu", 1280)
              from t in Network(model, "text_encoder_3", T5Xxl, "model", (path, scope) => T5Config.Read(path).Map(config => (object)new T5Encoder(config, scope)))
              select t
            : from l in Clip(model, "text_encoder", 768, 12, "quick_gelu", null)
              from t in Network(model, "text_encoder_2", T5Xxl, "model", (path, scope) => T5Config.Read(path).Map(config => (object)new T5Encoder(config, scope)))
              select t;
        return from encoders in text
               from vae in Network(model, "vae", Autoencoder, "diffusion_pytorch_model", static (path, scope) => VaeConfig.Read(path).Map(config => (object)new Autoencoder(config, scope)))
               from transformer in Network(model, "transformer", found.Transformer, "diffusion_pytorch_model", (path, scope) => found.Family == "sd3"
                   ? Sd3Config.Read(path).Map(config => (object)new Sd3Transformer(config, scope))
                   : FluxConfig.Read(path).Map(config => (object)new FluxTransformer(config, scope)))
               from reward in Network(folder, "reward", Vision, "model", static (path, scope) => ClipConfig.Read(path).Map(config => (object)new ClipModel(config, scope)))
               select Rest(folder, found.Family);
    }

    private static Result<Unit> Clip(string model, string component, int width, int layers, string activation, int? projection)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(projection is null ? "CLIPTextModel" : "CLIPTextModelWithProjection"),
            ["model_type"] = "clip_text_model",
            ["hidden_act"] = activation,
            ["hidden_size"] = width,
            ["intermediate_size"] = 4 * width,
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = width / 64,
            ["projection_dim"] = projection ?? width,
            ["max_position_embeddings"] = 77,
            ["vocab_size"] = 49408,
            ["eos_token_id"] = 610,
        };
        return Network(model, component, config.ToJsonString(), "model", static (path, scope) => ClipTextConfig.Read(path).Map(read => (object)new ClipTextEncoder(read, scope)));
    }

    private static Result<Unit> Network(string folder, string component, string config, string stem, Func<string, WeightScope, Result<object>> declare)
    {
        var target = Path.Combine(folder, component);
        Directory.CreateDirectory(target);
        var path = Path.Combine(target, "config.json");
        File.WriteAllText(path, config);
        using var weights = new WeightSet();
        return declare(path, weights.Root).Bind(_ =>
        {
            weights.Allocate(META, bfloat16);
            Console.WriteLine($"{component}: {weights.All.Sum(static weight => weight.Shape.Aggregate(1L, static (product, size) => product * size)) / 1e9:0.000} B numbers");
            return SafetensorsWriter.WriteFolder(target, stem, [.. weights.All.Select(static weight => new TensorToWrite(weight.Name, weight.Master, bfloat16) { Make = () => Numbers(weight) })]);
        });
    }

    // A million normal numbers, over and over: their products are as dear as those of any others.
    private static Tensor Numbers(Weight weight)
    {
        using var scope = NewDisposeScope();
        var count = weight.Shape.Aggregate(1L, static (product, size) => product * size);
        if (weight.Shape.Count == 1) return (weight.Name.EndsWith("bias", StringComparison.Ordinal) ? zeros(count) : ones(count)).to(bfloat16).MoveToOuterDisposeScope();
        var some = randn(Math.Max(1, Math.Min(count, 1_000_003)), generator: new Generator((ulong)count)).mul(0.02).to(bfloat16);
        return some.repeat([(count + some.numel() - 1) / some.numel()]).narrow(0, 0, count).view([.. weight.Shape]).MoveToOuterDisposeScope();
    }

    private static Unit Rest(string folder, string family)
    {
        var model = Path.Combine(folder, "model");
        foreach (var tokenizer in family == "sd3" ? (string[])["tokenizer", "tokenizer_2", "tokenizer_3"] : ["tokenizer", "tokenizer_3:tokenizer_2"])
        {
            var (from, to) = tokenizer.Split(':') is [var left, var right] ? (left, right) : (tokenizer, tokenizer);
            Copy(Path.Combine("models", "tiny-sd3", from), Path.Combine(model, to));
        }
        Copy(Path.Combine("models", "tiny-clip-reward"), Path.Combine(folder, "reward"), "config.json", "preprocessor_config.json", "model.safetensors");
        File.WriteAllText(Path.Combine(folder, "reward", "preprocessor_config.json"), Preprocessor);
        Directory.CreateDirectory(Path.Combine(model, "scheduler"));
        File.WriteAllText(Path.Combine(model, "scheduler", "scheduler_config.json"), new JsonObject
        {
            ["_class_name"] = "FlowMatchEulerDiscreteScheduler",
            ["num_train_timesteps"] = 1000,
            ["shift"] = 3.0,
            ["use_dynamic_shifting"] = family == "flux",
            ["base_image_seq_len"] = 256,
            ["base_shift"] = 0.5,
            ["max_image_seq_len"] = 4096,
            ["max_shift"] = 1.15,
        }.ToJsonString());
        File.WriteAllText(Path.Combine(model, "model_index.json"), Index(family).ToJsonString());
        File.WriteAllText(Path.Combine(folder, "captions.txt"), "a red circle\nthree blue squares\n");
        File.WriteAllText(Path.Combine(folder, "plugins.json"), Configuration(family).ToJsonString(new() { WriteIndented = true }));
        return Unit.Value;
    }

    private static JsonObject Index(string family)
    {
        JsonArray Of(string library, string type) => [library, type];
        var index = new JsonObject
        {
            ["_class_name"] = family == "sd3" ? "StableDiffusion3Pipeline" : "FluxPipeline",
            ["scheduler"] = Of("diffusers", "FlowMatchEulerDiscreteScheduler"),
            ["transformer"] = Of("diffusers", family == "sd3" ? "SD3Transformer2DModel" : "FluxTransformer2DModel"),
            ["vae"] = Of("diffusers", "AutoencoderKL"),
            ["text_encoder"] = Of("transformers", family == "sd3" ? "CLIPTextModelWithProjection" : "CLIPTextModel"),
            ["tokenizer"] = Of("transformers", "CLIPTokenizer"),
            ["text_encoder_2"] = Of("transformers", family == "sd3" ? "CLIPTextModelWithProjection" : "T5EncoderModel"),
            ["tokenizer_2"] = Of("transformers", family == "sd3" ? "CLIPTokenizer" : "T5TokenizerFast"),
        };
        if (family != "sd3") return index;
        index["text_encoder_3"] = Of("transformers", "T5EncoderModel");
        index["tokenizer_3"] = Of("transformers", "T5TokenizerFast");
        return index;
    }

    private static JsonObject Configuration(string family) => new()
    {
        ["run"] = new JsonObject { ["name"] = "full-size", ["steps"] = 2, ["batch"] = 1, ["size"] = "256x256", ["checkpointing"] = "blocks" },
        ["model"] = new JsonObject { ["id"] = family, ["settings"] = new JsonObject { ["folder"] = "model" } },
        ["adapter"] = new JsonObject { ["id"] = "lora", ["settings"] = new JsonObject { ["rank"] = 32, ["alpha"] = 32 } },
        ["prompts"] = new JsonObject { ["id"] = "file", ["settings"] = new JsonObject { ["path"] = "captions.txt" } },
        ["guidance"] = new JsonObject { ["scale"] = family == "sd3" ? 1.0 : 3.5 },
        ["sampler"] = new JsonObject { ["id"] = "flow-euler", ["settings"] = new JsonObject { ["steps"] = 10 } },
        ["algorithm"] = "leapalign",
        ["rewards"] = new JsonArray(new JsonObject { ["id"] = "clip", ["settings"] = new JsonObject { ["model"] = "reward" } }),
        ["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-4 } },
        ["evaluation"] = new JsonObject { ["every"] = -1 },
    };

    private static void Copy(string source, string target, params string[] except)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(source))
        {
            if (!except.Contains(Path.GetFileName(file))) File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }
    }
}
