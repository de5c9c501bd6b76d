using LeapAlign.Contracts.Prompts;
using LeapAlign.Networks.Clip;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip.Tests;

/// <summary>The reward with a published model's configuration on the "meta" device: every tensor is made where the pictures are.</summary>
public sealed class MetaTests : IDisposable
{
    // openai/clip-vit-large-patch14.
    private const string ViTL14 = """
        { "architectures": ["CLIPModel"], "projection_dim": 768,
          "text_config": { "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "eos_token_id": 2 },
          "vision_config": { "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14 } }
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-clip-");

    [Theory]
    [InlineData(ClipScale.Cosine, 0)]
    [InlineData(ClipScale.Logit, 16)]
    public void Scores_and_gradients_have_their_shapes(ClipScale scale, int cache)
    {
        using var scope = NewDisposeScope();
        File.WriteAllText(Path.Combine(_folder.FullName, "config.json"), ViTL14);
        File.WriteAllText(Path.Combine(_folder.FullName, "preprocessor_config.json"), "{}");
        var config = Recording.Require(ClipConfig.Read(Path.Combine(_folder.FullName, "config.json")));
        using var network = new ClipNetwork(config, META, bfloat16);
        network.Allocate();
        var pictures = Recording.Require(ClipImageProcessor.Read(_folder.FullName, config.Vision));
        using var reward = new ClipReward(network, pictures, _ => new long[config.Text.Positions], new ClipForm { TimesModelScale = scale == ClipScale.Logit }, cache);
        var images = zeros(2, 3, 512, 640, device: META).requires_grad_();
        Prompt[] prompts = [new(0, "a"), new(1, "b")];
        for (var step = 0; step < 2; step++)
        {
            var score = reward.Score(images, prompts);
            Assert.Equal(TorchSharp.DeviceType.META, score.device_type);
            Assert.Equal((float32, 2L), (score.dtype, score.shape.Single()));
            score.sum().backward();
        }
        Assert.Equal(images.shape, images.grad!.shape);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
