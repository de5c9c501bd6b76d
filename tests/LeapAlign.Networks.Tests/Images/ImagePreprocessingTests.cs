using LeapAlign.Networks.Images;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Images;

public class ImagePreprocessingTests
{
    private const string ByEdge = """{"do_resize": true, "size": {"shortest_edge": 8}, "resample": 2, "do_center_crop": true, "crop_size": {"height": 6, "width": 4}}""";

    [Theory]
    [InlineData(20, 30, 8, 12)]
    [InlineData(30, 20, 12, 8)]
    [InlineData(20, 29, 8, 11)] // 11.6, cut
    public void The_shortest_edge_rules_and_the_middle_is_cropped(long height, long width, long resizedHeight, long resizedWidth)
    {
        using var scope = NewDisposeScope();
        using var preprocessing = Load(ByEdge);
        using var resize = new Resize(ResizeFilter.Bilinear);
        var images = rand([2, 3, height, width], dtype: float64);
        var resized = resize.Forward(images, resizedHeight, resizedWidth).narrow(2, (resizedHeight - 6) / 2, 6).narrow(3, (resizedWidth - 4) / 2, 4);
        var mean = tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1).to(float64);
        var deviation = tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1).to(float64);
        Agreement.Values(preprocessing.Forward(images), (resized - mean) / deviation, "pixels", 1e-6);
        Assert.Equal((6L, 4L), preprocessing.Size);
    }

    [Fact]
    public void Resampling_mean_deviation_and_scale_are_the_files()
    {
        using var scope = NewDisposeScope();
        using var preprocessing = Load("""{"size": {"height": 5, "width": 7}, "resample": 3, "do_center_crop": false, "rescale_factor": 0.5, "image_mean": [1, 2, 3], "image_std": [2, 4, 5]}""");
        using var resize = new Resize(ResizeFilter.Bicubic);
        var images = rand([1, 3, 9, 9], dtype: float64);
        var mean = tensor([1.0, 2.0, 3.0]).view(3, 1, 1);
        var deviation = tensor([2.0, 4.0, 5.0]).view(3, 1, 1);
        Agreement.Values(preprocessing.Forward(images), ((resize.Forward(images, 5, 7) * 127.5) - mean) / deviation, "pixels", 1e-12);
        Assert.Equal((5L, 7L), preprocessing.Size);
    }

    [Fact]
    public void Steps_that_are_off_are_skipped()
    {
        using var scope = NewDisposeScope();
        using var preprocessing = Load("""{"do_resize": false, "do_center_crop": false, "do_rescale": false, "do_normalize": false}""");
        var images = rand(1, 3, 5, 7);
        Agreement.Values(preprocessing.Forward(images), images * 255, "pixels");
        Assert.Null(preprocessing.Size);
    }

    [Fact]
    public void A_picture_smaller_than_the_crop_lies_in_zeros()
    {
        using var scope = NewDisposeScope();
        using var preprocessing = Load("""{"do_resize": false, "crop_size": 4, "do_normalize": false}""");
        var pixels = preprocessing.Forward(ones(1, 3, 1, 6));
        // One row in the middle of four: two rows of zeros go before it.
        Assert.Equal([0f, 0f, 1f, 0f], pixels[0, 0, TensorIndex.Colon, 0].data<float>().ToArray());
        Assert.Equal(4, pixels.shape[3]);
    }

    [Theory]
    [InlineData("tiny-clip-reward")]
    [InlineData("tiny-clip-judge")]
    public void Gradients_reach_the_pictures_of_an_embedded_model(string model)
    {
        using var scope = NewDisposeScope();
        using var preprocessing = ImagePreprocessing.Load(Path.Combine(Repository.Models, model), 1).Match(value => value, fault => throw new InvalidOperationException(fault.ToString()));
        var images = rand(2, 3, 96, 80).requires_grad_();
        var pixels = preprocessing.Forward(images);
        Assert.Equal(preprocessing.Size, (pixels.shape[2], pixels.shape[3]));
        pixels.square().sum().backward();
        Assert.True(images.grad!.isfinite().all().item<bool>());
        Assert.True(images.grad.abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Without_a_file_the_steps_are_clips()
    {
        using var scope = NewDisposeScope();
        using var preprocessing = Load(null, 6);
        var white = preprocessing.Forward(ones([1, 3, 12, 18], dtype: bfloat16));
        Assert.Equal([1L, 3L, 6L, 6L], white.shape);
        Assert.Equal(float32, white.dtype);
        Agreement.Values(white[0, TensorIndex.Colon, 0, 0], tensor([1.9303363, 2.0748838, 2.1458970]).to(float32), "white", 1e-6);
    }

    [Fact]
    public void The_meta_device_is_enough()
    {
        using var scope = NewDisposeScope();
        using var preprocessing = Load(ByEdge);
        Assert.Equal([2L, 3L, 6L, 4L], preprocessing.Forward(empty([2, 3, 20, 30], device: META)).shape);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"resample": 1}""")]
    [InlineData("""{"size": {"longest_edge": 224}}""")]
    [InlineData("""{"size": {"shortest_edge": 0}}""")]
    [InlineData("""{"size": {"height": 224}}""")]
    [InlineData("""{"crop_size": "large"}""")]
    [InlineData("""{"crop_size": {"height": 3}}""")]
    [InlineData("""{"image_mean": [1, 2]}""")]
    [InlineData("""{"image_std": [1, 0, 1]}""")]
    [InlineData("""{"do_resize": 1}""")]
    [InlineData("""{"rescale_factor": "a lot"}""")]
    public void A_wrong_file_is_a_fault(string content)
    {
        Assert.False(ImagePreprocessing.Load(Folder(content), 8).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.WrongModelClass, fault!.Code);
    }

    private static ImagePreprocessing Load(string? content, long imageSize = 8) =>
        ImagePreprocessing.Load(Folder(content), imageSize).Match(value => value, fault => throw new InvalidOperationException(fault.ToString()));

    private static string Folder(string? content)
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-pixels").FullName;
        if (content is not null) File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), content);
        return folder;
    }
}
