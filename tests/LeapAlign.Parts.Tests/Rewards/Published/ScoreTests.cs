using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Networks.Blip;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Images;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Rewards.Clip;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Published.Tests;

/// <summary>Published rewards from a picture to a score, and back to the picture, against the code that their authors published.</summary>
public class ScoreTests
{
    public static TheoryData<string> Names => PublishedCase.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Pictures_scores_and_gradients_are_the_recorded_ones(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase(name);
        using var reward = (IDisposable)recorded.Reward();
        foreach (var size in recorded.Sizes)
        {
            var images = recorded.Pictures(size).requires_grad_();
            Agreement.Values(PublishedCase.Prepares((IDifferentiableReward)reward).Prepare(images), recorded.Recorded($"{size}.preprocessed"), $"{size}: pictures");
            var score = ((IReward)reward).Score(images, recorded.Prompts(images.shape[0]));
            Assert.Equal(float32, score.dtype);
            Agreement.Values(score, recorded.Recorded($"{size}.score"), $"{size}: score");
            score.backward([recorded.Recorded($"{size}.upstream")]);
            var gradient = recorded.Recorded($"{size}.grad");
            Agreement.Gradient(images.grad, gradient, gradient.norm().item<float>(), $"{size}: pixels");
        }
    }

    [Theory]
    [InlineData("pickscore")]
    [InlineData("aesthetic")]
    [InlineData("imagereward")]
    public void Files_are_scored_as_published_where_their_resizing_is_asked_for(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase(name);
        var reward = recorded.Reward(PictureResize.Pil);
        using var disposed = (IDisposable)reward;
        var smooth = recorded.Reward();
        using var alsoDisposed = (IDisposable)smooth;
        foreach (var size in recorded.Sizes)
        {
            var images = recorded.Pictures(size).requires_grad_();
            Agreement.Values(PublishedCase.Prepares(reward).Prepare(images), recorded.Recorded($"{size}.pil.preprocessed"), $"{size}: pictures");
            var score = reward.Score(images, recorded.Prompts(images.shape[0]));
            Agreement.Values(score, recorded.Recorded($"{size}.pil.score"), $"{size}: score");
            // Rounding has no slope of its own: the way back is that of the smooth map.
            score.sum().backward();
            var same = recorded.Pictures(size).requires_grad_();
            smooth.Score(same, recorded.Prompts(images.shape[0])).sum().backward();
            Assert.Equal(1, nn.functional.cosine_similarity(images.grad!.flatten(), same.grad!.flatten(), 0).item<float>(), 0.05);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_score_does_not_depend_on_its_batch(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var recorded = new PublishedCase(name);
        var reward = recorded.Reward();
        using var disposed = (IDisposable)reward;
        foreach (var size in recorded.Sizes)
        {
            var images = recorded.Pictures(size);
            var (count, prompts) = (images.shape[0], recorded.Prompts(images.shape[0]));
            var alone = cat([.. Enumerable.Range(0, (int)count).Select(index => reward.Score(images.narrow(0, index, 1), [prompts[index]]))]);
            var many = reward.Score(cat([images, images.flip(0), images]), [.. prompts, .. prompts.Reverse(), .. prompts]);
            Agreement.Values(many, cat([alone, alone.flip(0), alone]), size);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_computed_again_in_the_backward_gives_the_same_bits(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase(name);
        float[] Gradient(int blocks)
        {
            var reward = recorded.Reward(context: PublishedCase.Context(blocksPerCheckpoint: blocks));
            using var disposed = (IDisposable)reward;
            var images = recorded.Pictures(recorded.Sizes[0]).requires_grad_();
            reward.Score(images, recorded.Prompts(images.shape[0])).sum().backward();
            return images.grad!.data<float>().ToArray();
        }
        Assert.Equal(Gradient(0), Gradient(1));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void It_computes_in_bfloat16_and_scores_in_fp32(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase(name);
        var reward = recorded.Reward(context: PublishedCase.Context(bfloat16));
        using var disposed = (IDisposable)reward;
        var images = recorded.Pictures(recorded.Sizes[0]).requires_grad_();
        var score = reward.Score(images, recorded.Prompts(images.shape[0]));
        Assert.Equal(float32, score.dtype);
        var difference = (score - recorded.Recorded($"{recorded.Sizes[0]}.score")).abs().max().item<float>();
        Assert.InRange(difference, 1e-7, 0.1 * Math.Max(1, recorded.Recorded($"{recorded.Sizes[0]}.score").abs().max().item<float>()));
        score.sum().backward();
        Assert.True(images.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Captions_become_the_recorded_ids_and_features()
    {
        using var scope = NewDisposeScope();
        foreach (var name in (string[])["pickscore", "hpsv2"])
        {
            var recorded = new PublishedCase(name);
            using var reward = (ClipReward)recorded.Reward();
            Agreement.Values(reward.TextFeatures(recorded.Prompts(recorded.Texts.Count)), recorded.Recorded("text"), name);
        }
        var words = new PublishedCase("imagereward");
        var tokenizer = Recording.Require(BertTokenizer.Load(words.Folder));
        Assert.All(words.Strings.Zip(words.StringIds), row => Assert.Equal(row.Second, tokenizer.Encode(row.First, words.Length).Ids));
    }

    [Fact]
    public void A_clip_score_is_a_hundred_times_the_cosine_and_is_clipped_where_that_is_asked_for()
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase("hpsv2");
        var context = PublishedCase.Context();
        using var cosine = Recording.Require(ClipReward.Load(new ClipSettings { Model = recorded.Folder }, context));
        using var score = Recording.Require(ClipReward.Load(new ClipScoreSettings { Model = recorded.Folder }, context));
        using var clipped = Recording.Require(ClipReward.Load(new ClipScoreSettings { Model = recorded.Folder, ClipAtZero = true }, context));
        // Both signs: the cosines of all pictures with all captions.
        var images = cat([.. recorded.Sizes.Select(recorded.Pictures).Where(picture => picture.shape[3] == recorded.Pictures(recorded.Sizes[0]).shape[3] && picture.shape[2] == recorded.Pictures(recorded.Sizes[0]).shape[2])]);
        var tries = Enumerable.Range(0, 12).Select(index => new Prompt(index, $"{recorded.Texts[0]} {index}")).ToList();
        var many = images.narrow(0, 0, 1).expand(tries.Count, -1, -1, -1).contiguous();
        var middle = cosine.Score(many, tries).mean().item<float>();
        Agreement.Values(score.Score(many, tries), cosine.Score(many, tries) * 100, "score");
        var form = new ClipForm { Factor = 100, ClipsAtZero = true };
        var around = (cosine.Score(many, tries) - middle).detach().requires_grad_();
        var limited = form.Score(around, null);
        Agreement.Values(limited, (around * 100).maximum(zeros_like(around)), "clipped");
        limited.sum().backward();
        Agreement.Values(around.grad!, around.gt(0).to(float32) * 100, "gradient");
        Assert.True(limited.eq(0).any().item<bool>() && limited.gt(0).any().item<bool>());
        Agreement.Values(clipped.Score(many, tries), score.Score(many, tries).clamp_min(0), "asked for");
    }

    [Fact]
    public void Rewards_of_one_folder_share_its_weights()
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase("hpsv2");
        var kept = new PublishedCase.Kept();
        using var hps = (ClipReward)recorded.Reward(context: PublishedCase.Context(shared: kept));
        using var score = Recording.Require(ClipReward.Load(new ClipScoreSettings { Model = recorded.Folder }, PublishedCase.Context(shared: kept)));
        Assert.Equal(1, kept.Count);
    }

    [Fact]
    public void Published_sizes_have_their_shapes()
    {
        using var scope = NewDisposeScope();
        var folder = Directory.CreateTempSubdirectory("leapalign-published-");
        try
        {
            // CLIP ViT-H/14 as open_clip publishes it: HPSv2.1's network.
            var path = Path.Combine(folder.FullName, OpenClipConfig.File);
            File.WriteAllText(path, """
                { "model_cfg": { "embed_dim": 1024, "vision_cfg": { "image_size": 224, "layers": 32, "width": 1280, "head_width": 80, "patch_size": 14 },
                  "text_cfg": { "context_length": 77, "vocab_size": 49408, "width": 1024, "heads": 16, "layers": 24 } } }
                """);
            var config = Recording.Require(OpenClipConfig.Read(path));
            using var clip = new ClipNetwork(config.Model, META, bfloat16, layersPerCheckpoint: 1);
            clip.Allocate();
            using var hps = new ClipReward(clip, config.Pictures with { Fit = PictureFit.Contain }, _ => new long[77], new ClipForm(), 4);
            RequireGradient(hps);
            File.WriteAllText(Path.Combine(folder.FullName, "med_config.json"), """{ "architectures": ["BertModel"], "vocab_size": 30524, "encoder_width": 768, "add_cross_attention": true }""");
            var blip = Recording.Require(BlipConfig.Read(folder.FullName));
            using var network = new ImageReward.BlipNetwork(blip, META, bfloat16).Allocate();
            var images = zeros(2, 3, 224, 224, device: META).requires_grad_();
            var read = network.Read(zeros(2, 35, dtype: int64, device: META), ones(2, 35, dtype: int64, device: META), network.Tokens(images));
            Assert.Equal([2, 768], read.shape);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void RequireGradient(IDifferentiableReward reward)
    {
        var images = zeros(2, 3, 512, 640, device: META).requires_grad_();
        var score = reward.Score(images, [new Prompt(0, "a"), new Prompt(1, "b")]);
        Assert.Equal([2], score.shape);
        score.sum().backward();
        Assert.Equal(images.shape, images.grad!.shape);
    }
}
