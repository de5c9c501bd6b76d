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

    [Theory]
    [InlineData("preprocessor_config.json", "{}")]
    [InlineData("processor_config.json", """{ "image_processor": { "default_to_square": null, "do_convert_rgb": null } }""")]
    public void What_a_file_does_not_say_is_what_published_models_do(string name, string json)
    {
        using var scope = NewDisposeScope();
        Write(name, json);
        var processor = Recording.Require(Read(224));
        var images = linspace(0, 1, 3 * 224 * 224, dtype: float64).view(1, 3, 224, 224);
        var mean = tensor(new[] { 0.48145466, 0.4578275, 0.40821073 }).view(1, 3, 1, 1);
        var deviation = tensor(new[] { 0.26862954, 0.26130258, 0.27577711 }).view(1, 3, 1, 1);
        Agreement.Values(processor.Prepare(images), (images - mean) / deviation, "normalised", tolerance: 1e-14);
        Assert.Equal((224, 224, PictureFit.Cover, ResizeFilter.Bicubic), (processor.Size, processor.Crop, processor.Fit, processor.Filter));
        Assert.Equal((FaultCodes.WrongModelClass, "4 x 4"), (Fault(4).Code, Fault(4).Message[^5..]));
    }

    [Fact]
    public void A_folder_that_says_nothing_of_pictures_is_a_fault_and_takes_no_published_colours()
    {
        Assert.Equal(FaultCodes.ModelNotFound, Fault(224).Code);
        Write("processor_config.json", """{ "processor_class": "CLIPProcessor" }""");
        Assert.Equal(FaultCodes.ModelNotFound, Fault(224).Code);
        Write("processor_config.json", "[");
        Assert.EndsWith("processor_config.json", Fault(224).Place!.File, StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_of_transformers_5_goes_before_the_older_one()
    {
        const string fields = """{ "size": 4, "crop_size": 4, "image_mean": [0.5, 0.25, 0.125], "image_std": 0.5 }""";
        Write("processor_config.json", $$"""{ "image_processor": {{fields}} }""");
        var alone = Recording.Require(Read(4));
        Assert.Equal([0.5, 0.25, 0.125], alone.Mean);
        Assert.Equal([0.5, 0.5, 0.5], alone.Deviation);
        Write("preprocessor_config.json", """{ "size": 4, "crop_size": 4, "image_mean": [0, 0, 0] }""");
        Assert.Equal(alone.Mean, Recording.Require(Read(4)).Mean);
        // Older libraries wrote a processor_config.json without it.
        Write("processor_config.json", """{ "image_processor": null }""");
        Assert.Equal([0, 0, 0], Recording.Require(Read(4)).Mean);
    }

    [Fact]
    public void A_key_that_the_library_does_not_know_is_a_warning_with_the_nearest()
    {
        Write("processor_config.json", """{ "image_processor": { "size": 4, "crop_size": 4, "image_maen": [0, 0, 0] } }""");
        List<Fault> warnings = [];
        Recording.Require(ClipImageProcessor.Read(_folder.FullName, Tower(4), warnings.Add));
        var warning = Assert.Single(warnings);
        Assert.Equal((FaultCodes.UnknownField, "image_processor.image_maen"), (warning.Code, warning.Place!.Key));
        Assert.Contains("image_processor.image_mean", warning.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "size": 5, "crop_size": 4 }""", 8, 13, 5, 8)]
    [InlineData("""{ "size": { "shortest_edge": 5 }, "crop_size": { "height": 4, "width": 4 } }""", 13, 8, 8, 5)]
    [InlineData("""{ "size": { "shortest_edge": 5, "longest_edge": null }, "crop_size": [4, 4] }""", 8, 13, 5, 8)]
    [InlineData("""{ "size": 4, "default_to_square": true, "crop_size": 4 }""", 13, 8, 4, 4)]
    [InlineData("""{ "size": [4, 4], "do_center_crop": false }""", 13, 8, 4, 4)]
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
        var centred = Require("""{ "size": 4, "crop_size": 4, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.25, 0.5] }""", 4).Prepare(images);
        Agreement.Values(centred, (images - 0.5) / tensor(new[] { 0.5, 0.25, 0.5 }).view(1, 3, 1, 1), "centred", tolerance: 1e-14);
        Agreement.Values(Require("""{ "size": 4, "crop_size": 4, "do_normalize": false, "rescale_factor": 0.00784313725490196 }""", 4).Prepare(images), images * 2, "doubled", tolerance: 1e-12);
        Agreement.Values(Require("""{ "size": 4, "crop_size": 4, "do_normalize": false, "image_mean": null, "do_rescale": false, "rescale_factor": null }""", 4).Prepare(images), images * 255, "bytes", tolerance: 1e-12);
    }

    [Theory]
    [InlineData(""" "do_resize": false """, "do_resize")]
    [InlineData(""" "crop_size": 5, "size": 5 """, "crop_size")]
    [InlineData(""" "size": 3 """, "size")]
    [InlineData(""" "size": { "height": 4, "width": 5 } """, "size")]
    [InlineData(""" "size": { "longest_edge": 4 } """, "size")]
    [InlineData(""" "size": { "shortest_edge": 4, "longest_edge": 8 } """, "size")]
    [InlineData(""" "size": { "max_height": 4, "max_width": 4 } """, "size")]
    [InlineData(""" "size": { "min_pixels": 4, "max_pixels": 4 } """, "size")]
    [InlineData(""" "size": { "height": 4 } """, "size")]
    [InlineData(""" "size": { "edge": 4 } """, "size")]
    [InlineData(""" "size": [4, 4, 4] """, "size")]
    [InlineData(""" "size": "4" """, "size")]
    [InlineData(""" "crop_size": { "shortest_edge": 4 } """, "crop_size")]
    [InlineData(""" "crop_size": [4, 5] """, "crop_size")]
    [InlineData(""" "do_center_crop": false """, "do_center_crop")]
    [InlineData(""" "resample": 0 """, "resample")]
    [InlineData(""" "resample": 1 """, "resample")]
    [InlineData(""" "resample": 4 """, "resample")]
    [InlineData(""" "resample": 5 """, "resample")]
    [InlineData(""" "resample": "bicubic" """, "resample")]
    [InlineData(""" "image_mean": [0.5] """, "image_mean")]
    [InlineData(""" "image_std": [0.5, 0, 0.5] """, "image_std")]
    [InlineData(""" "image_std": 0 """, "image_std")]
    [InlineData(""" "rescale_factor": "1/255" """, "rescale_factor")]
    [InlineData(""" "do_resize": null """, "do_resize")]
    [InlineData(""" "do_center_crop": null """, "do_center_crop")]
    [InlineData(""" "do_rescale": null """, "do_rescale")]
    [InlineData(""" "do_normalize": null """, "do_normalize")]
    [InlineData(""" "size": null """, "size")]
    [InlineData(""" "crop_size": null """, "crop_size")]
    [InlineData(""" "resample": null """, "resample")]
    [InlineData(""" "rescale_factor": null """, "rescale_factor")]
    [InlineData(""" "image_mean": null """, "image_mean")]
    [InlineData(""" "do_rescale": false, "rescale_factor": null, "image_std": null """, "image_std")]
    [InlineData(""" "do_pad": true """, "do_pad")]
    [InlineData(""" "use_square_size": true """, "use_square_size")]
    [InlineData(""" "data_format": "channels_last" """, "data_format")]
    [InlineData(""" "input_data_format": "channels_last" """, "input_data_format")]
    [InlineData(""" "image_processor_type": "SiglipImageProcessor" """, "image_processor_type")]
    [InlineData(""" "feature_extractor_type": "ViTFeatureExtractor" """, "feature_extractor_type")]
    public void What_cannot_be_done_is_a_fault_with_its_key_in_either_file(string field, string key)
    {
        foreach (var (name, before, after, prefix) in ((string, string, string, string)[])[("preprocessor_config.json", "", "", ""), ("processor_config.json", """{ "image_processor": """, "}", "image_processor.")])
        {
            string[] others = [.. ((string[])["size", "crop_size"]).Where(other => !field.Contains($"\"{other}\"", StringComparison.Ordinal)).Select(static other => $"\"{other}\": 4")];
            Write(name, $"{before}{{ {string.Join(", ", [field, .. others])} }}{after}");
            Assert.Equal((FaultCodes.WrongModelClass, prefix + key), (Fault(4).Code, Fault(4).Place?.Key));
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private ClipImageProcessor Require(string json, int size)
    {
        Write("preprocessor_config.json", json);
        return Recording.Require(Read(size));
    }

    private void Write(string name, string json) => File.WriteAllText(Path.Combine(_folder.FullName, name), json);

    private Fault Fault(int size) => Read(size).Match(value => throw new InvalidOperationException($"{value} was accepted"), fault => fault);

    private Result<ClipImageProcessor> Read(int size) => ClipImageProcessor.Read(_folder.FullName, Tower(size));

    private static ClipVisionConfig Tower(int size)
    {
        var tower = new ClipTransformerConfig { Width = 8, Layers = 1, Heads = 1, Intermediate = 8, Activation = Activation.Silu, Epsilon = 1e-5 };
        return new ClipVisionConfig { Transformer = tower, ImageSize = size, PatchSize = 2, Channels = 3, Projection = 8 };
    }
}
