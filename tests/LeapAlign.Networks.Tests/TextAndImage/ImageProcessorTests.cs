using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Images;
using LeapAlign.Networks.Layers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>What happens to a picture before a CLIP model looks at it.</summary>
public sealed class ImageProcessorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-processor-");

    [Fact]
    public void Without_a_file_it_is_what_published_models_do()
    {
        using var scope = NewDisposeScope();
        var processor = Require(null, 4);
        var images = linspace(0, 1, 3 * 4 * 4, dtype: float64).view(1, 3, 4, 4);
        var mean = tensor(new[] { 0.48145466, 0.4578275, 0.40821073 }).view(1, 3, 1, 1);
        var deviation = tensor(new[] { 0.26862954, 0.26130258, 0.27577711 }).view(1, 3, 1, 1);
        Agreement.Values(processor.Prepare(images), (images - mean) / deviation, "normalised", tolerance: 1e-14);
        Assert.Equal((4, 4, true, ResizeFilter.Bicubic), (processor.Size, processor.Crop, processor.KeepsAspect, processor.Filter));
    }

    [Theory]
    [InlineData("""{ "size": 5, "crop_size": 4 }""", 8, 13, 5, 8)]
    [InlineData("""{ "size": { "shortest_edge": 5 }, "crop_size": { "height": 4, "width": 4 } }""", 13, 8, 8, 5)]
    [InlineData("""{ "size": { "height": 4, "width": 4 }, "do_center_crop": false, "resample": 2 }""", 13, 8, 4, 4)]
    public void Resizes_and_cuts_out_the_middle(string json, long height, long width, long resizedHeight, long resizedWidth)
    {
        using var scope = NewDisposeScope();
        var processor = Require(json, 4) with { Mean = [0, 0, 0], Deviation = [1, 1, 1] };
        var images = linspace(0, 1, 3 * height * width, dtype: float64).square().view(1, 3, height, width);
        var (top, left) = ((resizedHeight - 4) / 2, (resizedWidth - 4) / 2);
        var filter = json.Contains("resample", StringComparison.Ordinal) ? ResizeFilter.Bilinear : ResizeFilter.Bicubic;
        var expected = Resize.Apply(images, resizedHeight, resizedWidth, filter).narrow(2, top, 4).narrow(3, left, 4);
        Agreement.Values(processor.Prepare(images), expected, "middle", tolerance: 1e-14);
    }

    [Fact]
    public void Colours_follow_the_file()
    {
        using var scope = NewDisposeScope();
        var images = linspace(0, 1, 3 * 4 * 4, dtype: float64).view(1, 3, 4, 4);
        var centred = Require("""{ "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.25, 0.5] }""", 4).Prepare(images);
        Agreement.Values(centred, (images - 0.5) / tensor(new[] { 0.5, 0.25, 0.5 }).view(1, 3, 1, 1), "centred", tolerance: 1e-14);
        Agreement.Values(Require("""{ "do_normalize": false, "rescale_factor": 0.00784313725490196 }""", 4).Prepare(images), images * 2, "doubled", tolerance: 1e-12);
        Agreement.Values(Require("""{ "do_normalize": false, "do_rescale": false }""", 4).Prepare(images), images * 255, "bytes", tolerance: 1e-12);
    }

    [Theory]
    [InlineData("""{ "do_resize": false }""", "do_resize")]
    [InlineData("""{ "size": 5 , "crop_size": 5 }""", "crop_size")]
    [InlineData("""{ "size": 3 }""", "size")]
    [InlineData("""{ "size": { "height": 4, "width": 5 } }""", "size")]
    [InlineData("""{ "do_center_crop": false }""", "do_center_crop")]
    [InlineData("""{ "resample": 1 }""", "resample")]
    [InlineData("""{ "image_mean": [0.5] }""", "image_mean")]
    [InlineData("""{ "image_std": [0.5, 0, 0.5] }""", "image_std")]
    public void What_cannot_be_done_is_a_fault_with_its_key(string json, string key)
    {
        Assert.False(Read(json, 4).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.WrongModelClass, key), (fault!.Code, fault.Place?.Key));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private ClipImageProcessor Require(string? json, int size) => Read(json, size).Match(value => value, fault => throw new InvalidOperationException(fault.ToString()));

    private Result<ClipImageProcessor> Read(string? json, int size)
    {
        if (json is not null) File.WriteAllText(Path.Combine(_folder.FullName, "preprocessor_config.json"), json);
        var tower = new ClipTransformerConfig { Width = 8, Layers = 1, Heads = 1, Intermediate = 8, Activation = Activation.Silu, Epsilon = 1e-5 };
        return ClipImageProcessor.Read(_folder.FullName, new ClipVisionConfig { Transformer = tower, ImageSize = size, PatchSize = 2, Channels = 3, Projection = 8 });
    }
}
