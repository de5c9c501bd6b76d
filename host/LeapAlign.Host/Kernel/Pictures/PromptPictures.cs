using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>The pictures that come with prompts, as latents: read, cut to the model's aspect around the centre, resized and encoded. Where latents come in their place, these.</summary>
internal sealed class PromptPictures(IModel model, PictureSpace space, OpenStages stages, Device device)
{
    /// <summary>The latents of one picture of each prompt.</summary>
    /// <param name="prompts">B prompts.</param>
    /// <param name="number">Which of each prompt's pictures.</param>
    /// <returns>[B, C, h, w], without gradient.</returns>
    /// <exception cref="FaultException">A picture or its latents cannot be read.</exception>
    public Tensor Latents(IReadOnlyList<Prompt> prompts, int number) => Latents(prompts, [.. Enumerable.Repeat(number, prompts.Count)]);

    /// <summary>The latents of one picture of each prompt.</summary>
    /// <param name="prompts">B prompts.</param>
    /// <param name="numbers">For each which of its pictures.</param>
    /// <returns>[B, C, h, w], without gradient.</returns>
    /// <exception cref="FaultException">A picture or its latents cannot be read.</exception>
    public Tensor Latents(IReadOnlyList<Prompt> prompts, IReadOnlyList<int> numbers)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        (string Path, StoredLatents? Stored)[] samples = [.. prompts.Select((prompt, place) => (Path(prompt, numbers[place]), numbers[place] < prompt.Latents.Count ? prompt.Latents[numbers[place]] : null))];
        int[] pictures = [.. Enumerable.Range(0, samples.Length).Where(place => samples[place].Stored is null)];
        var (latents, images) = stages.Run("read pictures", () => (
            Array.ConvertAll(samples, sample => sample.Stored is { } stored ? Read(sample.Path, stored) : null),
            pictures.Length > 0 ? stack(pictures.Select(place => Read(samples[place].Path))).to(device) : null));
        var encoded = images is null ? null : stages.Run("encode pictures", () => model.Encode(images));
        if (pictures.Length == samples.Length) return encoded!.MoveToOuterDisposeScope();
        for (var row = 0; row < pictures.Length; row++) latents[pictures[row]] = encoded![row];
        return stack(latents.OfType<Tensor>()).MoveToOuterDisposeScope();
    }

    /// <summary>The latents of a picture in several poses.</summary>
    /// <param name="path">The picture.</param>
    /// <param name="poses">P poses.</param>
    /// <returns>[P, C, h, w], without gradient.</returns>
    /// <exception cref="FaultException">The picture cannot be read.</exception>
    public Tensor Latents(string path, IReadOnlyList<Pose> poses)
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        var images = stages.Run("read pictures", () =>
        {
            using var source = PictureFile.Decode(path, path);
            return stack(poses.Select(pose =>
            {
                if (pose == Pose.AsItIs) return Fitted(source);
                using var laid = pose.Of(source);
                return Fitted(laid);
            })).to(device);
        });
        return stages.Run("encode pictures", () => model.Encode(images)).MoveToOuterDisposeScope();
    }

    private static string Path(Prompt prompt, int number) => number < prompt.Pictures.Count
        ? prompt.Pictures[number]
        : throw new FaultException(new Fault.Input(FaultCodes.BadPromptFile, $"the prompt '{prompt.Text}' comes with {prompt.Pictures.Count} pictures, but picture {number + 1} was asked for"));

    private Tensor Read(string path)
    {
        using var source = PictureFile.Decode(path, path);
        return Fitted(source);
    }

    private Tensor Read(string path, StoredLatents stored) => PromptLatents.Read(path, stored, space.Latents).Match(read => read.to(device), static fault => throw new FaultException(fault));

    private Tensor Fitted(SKBitmap source)
    {
        var size = space.Size;
        var scale = Math.Max((float)size.Width / source.Width, (float)size.Height / source.Height);
        using var target = new SKBitmap(new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(target))
        using (var paint = new SKPaint { FilterQuality = SKFilterQuality.High, IsAntialias = true })
        {
            canvas.Clear(SKColors.White);
            var (width, height) = (source.Width * scale, source.Height * scale);
            canvas.DrawBitmap(source, SKRect.Create((size.Width - width) / 2, (size.Height - height) / 2, width, height), paint);
        }
        using var bytes = tensor(target.Bytes, [size.Height, size.Width, 4], dtype: ScalarType.Byte);
        return bytes.narrow(2, 0, 3).permute(2, 0, 1).to(ScalarType.Float32).div(byte.MaxValue);
    }
}
