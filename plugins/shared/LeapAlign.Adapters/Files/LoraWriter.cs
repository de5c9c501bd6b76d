using LeapAlign.Contracts.Adapters;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Adapters.Files;

/// <summary>
/// Writes factors as diffusers does, <see cref="LoraFile.FileName"/> with keys <c>transformer.MODULE.lora_A.weight</c>. The scale goes into B and the header says an alpha that is the rank, so that readers of
/// the header and those that do not look at it see the same update; the trained rank and alpha are an entry of the header of their own.
/// </summary>
public static class LoraWriter
{
    // Two tensors with their names, and the layer's name among the targets.
    private const long EntryBytes = 512;

    /// <summary>Writes a file, fp32.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="weights">The factors of at least one layer.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses.</returns>
    public static Result<Unit> Write(string path, LoraWeights weights, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfZero(weights.Modules.Count);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var tensors = weights.Modules.SelectMany(static module => new[]
        {
            new TensorToWrite($"transformer.{module.Key}.lora_A.weight", module.Value.A, ScalarType.Float32),
            new TensorToWrite($"transformer.{module.Key}.lora_B.weight", LoraScale.PutIn(module.Value.B, module.Value.Scale), ScalarType.Float32),
        }).ToArray();
        return SafetensorsWriter.Write(path, tensors, Header(weights), disk);
    }

    /// <summary>The bytes that <see cref="Write"/> writes, about: a factor's entry in the header takes some hundred.</summary>
    /// <param name="weights">The factors.</param>
    public static long Bytes(IEnumerable<(long Rank, AdapterSite Site)> weights) => weights.Sum(static layer => (layer.Rank * (layer.Site.Inputs + layer.Site.Outputs) * sizeof(float)) + EntryBytes);

    private static Dictionary<string, string> Header(LoraWeights weights) =>
        LoraHeader.Of(weights.Modules.ToDictionary(static module => module.Key, static module => new TrainedScale(module.Value.Rank, module.Value.Alpha), StringComparer.Ordinal));
}
