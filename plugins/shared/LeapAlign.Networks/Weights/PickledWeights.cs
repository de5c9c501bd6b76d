using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Weights;

/// <summary>Weights that PyTorch pickled: reading such a file runs what is in it, so none is read.</summary>
public static class PickledWeights
{
    /// <summary>The fault of such a file, with the line that converts it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">What the converted file is called, in the same folder.</param>
    public static Fault Refused(string path, string name)
    {
        ArgumentNullException.ThrowIfNull(path);
        var (file, folder) = (Path.GetFileName(path), Path.GetDirectoryName(Path.GetFullPath(path))!);
        var line = $"python -c \"import torch, safetensors.torch as s; w = torch.load('{file}', map_location='cpu', weights_only=True); s.save_file({{k: v.contiguous() for k, v in w.get('state_dict', w).items()}}, '{name}')\"";
        return new Fault.Input(FaultCodes.ModelNotFound, $"weights in PyTorch's pickle format are not read, since reading one runs code; convert them once in {folder}: {line}", new SourcePlace(path));
    }
}
