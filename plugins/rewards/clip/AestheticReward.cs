using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>
/// The aesthetic score of LAION, about 1 to 10: a linear head over the features of a picture, of unit length, under CLIP ViT-L/14. It does not look at the caption.
/// </summary>
public sealed class AestheticReward : IDifferentiableReward, IDisposable
{
    private readonly ClipNetwork _network;
    private readonly ClipImageProcessor _pictures;
    private readonly LinearChain _head;

    private AestheticReward(ClipNetwork network, ClipImageProcessor pictures, LinearChain head) => (_network, _pictures, _head) = (network, pictures, head);

    /// <summary>Loads model and head; rewards of the same folder share its weights.</summary>
    /// <returns>A fault when the folder is not a CLIP model, the head is for features of another width, or a file is absent, damaged or pickled.</returns>
    public static Result<AestheticReward> Load(AestheticSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        return
            from folder in ClipFolder.Read(context.Resolve(settings.Model), context)
            from head in Head(context.Resolve(settings.Head), folder.Config.Vision.Projection, context)
            from network in ClipNetwork.Open(folder, context)
            select new AestheticReward(network, folder.Pictures.ResizedBy(settings.Resize), head);
    }

    /// <summary>What is done to pictures before the network looks at them.</summary>
    internal ClipImageProcessor Pictures => _pictures;

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        using var scope = NewDisposeScope();
        return _head.Forward(_network.ImageFeatures(_pictures.Prepare(images))).to(images.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _head.Dispose();

    private static Result<LinearChain> Head(string path, int width, PartContext context)
    {
        if (Path.GetExtension(path) is ".pth" or ".pt" or ".bin" or ".ckpt" && File.Exists(path)) return PickledWeights.Refused(path, Path.ChangeExtension(Path.GetFileName(path), ".safetensors"));
        return SafetensorsFile.Open(path).Bind(file =>
        {
            using (file) return LinearChain.Load(file, "", width, context.Device, context.ComputeType);
        });
    }
}
