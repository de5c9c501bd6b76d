using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Writes a complete pipeline folder: the source's files as they are, and the trained transformer.</summary>
internal static class PipelineExport
{
    private const string Trained = "transformer";
    private const string Stem = "diffusion_pytorch_model";

    /// <summary>Writes the folder, which is there whole or not at all.</summary>
    /// <param name="index">The source.</param>
    /// <param name="set">Names, order and precisions of the transformer's weights.</param>
    /// <param name="folder">Replaced when it is there.</param>
    /// <param name="weights">One tensor for each of the set's parameters, in order.</param>
    /// <param name="type">The precision of the transformer; null keeps each tensor's own.</param>
    public static Result<Unit> Write(ModelIndex index, WeightSet set, string folder, IReadOnlyList<Tensor> weights, ScalarType? type) => WholeFolder.Write(folder, aside =>
    {
        Copy(index, aside);
        return SafetensorsWriter.WriteFolder(Path.Combine(aside, Trained), Stem, Tensors(set, weights, type));
    });

    private static List<TensorToWrite> Tensors(WeightSet set, IReadOnlyList<Tensor> weights, ScalarType? type)
    {
        var next = 0;
        return [.. set.All.Select(weight => new TensorToWrite(weight.FileName, weight.IsBuffer ? weight.Master : weights[next++], type ?? weight.FileType))];
    }

    private static void Copy(ModelIndex index, string target)
    {
        File.Copy(Path.Combine(index.Folder, "model_index.json"), Path.Combine(target, "model_index.json"));
        foreach (var component in index.Components)
        {
            var source = index.Component(component);
            foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
            {
                if (component == Trained && Path.GetFileName(file).Contains(".safetensors", StringComparison.Ordinal)) continue;
                var copy = Path.Combine(target, component, Path.GetRelativePath(source, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }
}
