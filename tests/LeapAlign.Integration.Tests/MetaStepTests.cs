using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Methods.Leaps;
using LeapAlign.Models.Flux;
using LeapAlign.Models.Sd3;
using LeapAlign.Models.ZImage;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Qwen3;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.ZImage;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Rewards.Clip;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>
/// One whole LeapAlign step (encode, roll, anchors, decode, score, backward, clip, update) with the published configurations of SD3.5-medium, FLUX.1-dev or Z-Image and CLIP
/// ViT-L/14 on the "meta" device: shapes without memory. A tensor that is made on a fixed device would meet one that is not, and throw.
/// </summary>
public sealed class MetaStepTests : IDisposable
{
    private const int Batch = 2;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-meta-");

    [Fact]
    public void A_step_of_the_published_models_runs()
    {
        using var scope = NewDisposeScope();
        var types = new PipelineTypes(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.BFloat16);
        var networks = new Sd3Networks(Configs());
        networks.Allocate(META, types);
        Tokenize tokens(int length) => captions => zeros([captions.Count, length], dtype: ScalarType.Int64);
        var text = new Models.Sd3.TextConditioner(networks, new Models.Sd3.TextTokenizers(tokens(77), tokens(77), tokens(256), 256) { ClipLength = 77 }, PipelineHomes.On(META));
        var folder = new PipelineFolder { Family = PipelineFamilies.StableDiffusion3, Folder = "", Components = ["text_encoder_3"], Scheduling = new FlowScheduling { Shift = 3 } };
        using var model = new Sd3Model(folder, networks, text, new EmbeddingCache(0));
        Step(model);
        Assert.InRange(model.Parameters.Sum(static parameter => parameter.Value.numel()), 2_200_000_000, 2_600_000_000);
    }

    [Fact]
    public void A_step_of_FLUX_1_dev_runs()
    {
        using var scope = NewDisposeScope();
        var types = new PipelineTypes(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.BFloat16);
        var networks = new FluxNetworks(FluxDev());
        networks.Allocate(META, types);
        Tokenize tokens(int length) => captions => zeros([captions.Count, length], dtype: ScalarType.Int64);
        var text = new Models.Flux.TextConditioner(networks, new Models.Flux.TextTokenizers(tokens(77), tokens(512), 512), PipelineHomes.On(META));
        var folder = new PipelineFolder { Family = PipelineFamilies.Flux, Folder = "", Components = ["text_encoder_2"], Scheduling = new FlowScheduling { Shift = 3, UseDynamicShifting = true } };
        using var model = new FluxModel("flux", folder, networks, text, new EmbeddingCache(0));
        Assert.Equal(new ImageSize(1024, 1024), model.NativeSize);
        Step(model);
        Assert.InRange(model.Parameters.Sum(static parameter => parameter.Value.numel()), 11_850_000_000, 11_950_000_000);
    }

    [Fact]
    public void A_step_of_Z_image_runs()
    {
        using var scope = NewDisposeScope();
        var types = new PipelineTypes(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.BFloat16);
        var configs = new ZImageConfigs
        {
            Transformer = Read(static path => ZImageConfig.Read(path), """{ "_class_name": "ZImageTransformer2DModel" }"""),
            Vae = Configs().Vae with { ScalingFactor = 0.3611, ShiftFactor = 0.1159 },
            Text = Read(static path => Qwen3Config.Read(path), """
                { "architectures": ["Qwen3ForCausalLM"], "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "rope_theta": 1000000 }
                """),
        };
        var networks = new ZImageNetworks(configs);
        networks.Allocate(META, types);
        var text = new Models.ZImage.TextConditioner(networks, static captions => (zeros([captions.Count, 40], dtype: ScalarType.Int64), [.. captions.Select(static (_, sample) => 12 + sample)]), 512, PipelineHomes.On(META));
        var folder = new PipelineFolder { Family = PipelineFamilies.ZImage, Folder = "", Components = [], Scheduling = new FlowScheduling { Shift = 3 } };
        using var model = new ZImageModel(folder, networks, text, new EmbeddingCache(0));
        Assert.Equal(new ImageSize(1024, 1024), model.NativeSize);
        Step(model);
        Assert.InRange(model.Parameters.Sum(static parameter => parameter.Value.numel()), 6_100_000_000, 6_200_000_000);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private void Step(IModel model)
    {
        using var scope = NewDisposeScope();
        using var reward = Reward();
        Prompt[] prompts = [.. Enumerable.Range(0, Batch).Select(static id => new Prompt(id, "a caption"))];
        using var conditioning = model.Encode(new ConditioningRequest([.. prompts.Select(static prompt => prompt.Text)], new Guidance(3.5), model.NativeSize));
        // A quarter of the native size keeps the test quick; every weight has its full shape.
        var shape = Recording.Require(model.Latents(new ImageSize(256, 256))).Shape;
        Assert.Equal([16, 32, 32], shape);
        var sampler = new FlowEulerSampler(new FlowEulerSettings { Steps = 4 });
        var schedule = sampler.CreateSchedule(model.Scheduling.For(Recording.Require(model.Latents(new ImageSize(256, 256)))));
        Tensor? images = null;
        var services = new ScriptedStep((latents, sigmas) => model.Velocity(latents, sigmas, conditioning), latents => Scores.Of(reward.Score(images = model.Decode(latents), prompts)));
        var objective = new LeapAlignAlgorithm(new LeapAlignSettings(), static (_, _) => new LeapPair(1, 3)).Step(new AlignmentStep(services)
        {
            Index = 0,
            Random = RandomKey.OfRun(0),
            Batches = [new MicroBatch(services)
            {
                Prompts = prompts,
                Noise = empty([Batch, .. shape], device: META),
                Schedule = schedule,
                Sampler = sampler,
                Samples = [.. Enumerable.Range(0, Batch)],
                Random = RandomKey.OfRun(0),
                StepKey = RandomKey.OfRun(0),
            }],
        }).Single();
        Assert.Equal([Batch, 3, 256, 256], images!.shape);
        objective.Loss.backward();
        using var norm = model.Parameters.GradientNorm();
        model.Parameters.ClipGradients(norm, 1);
        Assert.All(model.Parameters, static parameter => Assert.Equal(TorchSharp.DeviceType.META, parameter.Value.device_type));
        Assert.Contains(model.Parameters, static parameter => parameter.Value.grad is not null);
        using var optimization = new AdamWOptimizer(new AdamWSettings()).Begin(model.Parameters);
        optimization.Update(new UpdateContext(0));
        using var average = new MovingAverage(model.Parameters, 0.98);
        average.Update(0);
        model.Parameters.ClearGradients();
        model.Refresh();
    }

    private FluxConfigs FluxDev()
    {
        var sd3 = Configs();
        return new FluxConfigs
        {
            Transformer = Read(FluxConfig.Read, """
                { "_class_name": "FluxTransformer2DModel", "attention_head_dim": 128, "guidance_embeds": true, "in_channels": 64, "joint_attention_dim": 4096,
                  "num_attention_heads": 24, "num_layers": 19, "num_single_layers": 38, "patch_size": 1, "pooled_projection_dim": 768 }
                """),
            Vae = sd3.Vae with { ScalingFactor = 0.3611, ShiftFactor = 0.1159 },
            Clip = sd3.ClipL with { Projection = null },
            T5 = sd3.T5!,
        };
    }

    private Sd3Configs Configs() => new()
    {
        Transformer = Read(Sd3Config.Read, """
            { "_class_name": "SD3Transformer2DModel", "attention_head_dim": 64, "caption_projection_dim": 1536, "in_channels": 16, "joint_attention_dim": 4096,
              "num_attention_heads": 24, "num_layers": 24, "out_channels": 16, "patch_size": 2, "pooled_projection_dim": 2048, "pos_embed_max_size": 384,
              "qk_norm": "rms_norm", "sample_size": 128, "dual_attention_layers": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }
            """),
        Vae = Read(VaeConfig.Read, """
            { "_class_name": "AutoencoderKL", "in_channels": 3, "out_channels": 3, "latent_channels": 16, "block_out_channels": [128, 256, 512, 512],
              "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
              "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
              "layers_per_block": 2, "norm_num_groups": 32, "act_fn": "silu", "use_quant_conv": false, "use_post_quant_conv": false,
              "scaling_factor": 1.5305, "shift_factor": 0.0609 }
            """),
        ClipL = Read(ClipTextConfig.Read, """
            { "architectures": ["CLIPTextModelWithProjection"], "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
              "hidden_act": "quick_gelu", "projection_dim": 768, "vocab_size": 49408, "max_position_embeddings": 77, "eos_token_id": 49407 }
            """),
        ClipG = Read(ClipTextConfig.Read, """
            { "architectures": ["CLIPTextModelWithProjection"], "hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20, "num_hidden_layers": 32,
              "hidden_act": "gelu", "projection_dim": 1280, "vocab_size": 49408, "max_position_embeddings": 77, "eos_token_id": 49407 }
            """),
        T5 = Read(T5Config.Read, """
            { "architectures": ["T5EncoderModel"], "d_model": 4096, "d_kv": 64, "num_heads": 64, "d_ff": 10240, "num_layers": 24, "vocab_size": 32128,
              "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128, "feed_forward_proj": "gated-gelu", "layer_norm_epsilon": 1e-6 }
            """),
    };

    private ClipReward Reward()
    {
        var config = Read(ClipConfig.Read, """
            { "architectures": ["CLIPModel"], "projection_dim": 768,
              "text_config": { "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "eos_token_id": 2 },
              "vision_config": { "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14 } }
            """);
        File.WriteAllText(Path.Combine(_folder.FullName, "preprocessor_config.json"), "{}");
        var pictures = Recording.Require(ClipImageProcessor.Read(_folder.FullName, config.Vision));
        var network = new ClipNetwork(config, META, ScalarType.BFloat16);
        network.Allocate();
        return new ClipReward(network, pictures, _ => new long[config.Text.Positions], new ClipForm(), textCache: 4096);
    }

    private T Read<T>(Func<string, Result<T>> read, string json)
    {
        var path = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, json);
        return Recording.Require(read(path));
    }
}
