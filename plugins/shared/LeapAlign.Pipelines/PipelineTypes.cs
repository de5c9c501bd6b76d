using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>The precisions of a pipeline's networks.</summary>
/// <param name="Transformer">Of the arithmetic of the transformer.</param>
/// <param name="Text">Of the text encoders; null for that of each one's files (<see cref="PipelineFolder.LoadFrozen"/>).</param>
/// <param name="Decoder">Of the picture decoder.</param>
public sealed record PipelineTypes(ScalarType Transformer, ScalarType? Text, ScalarType Decoder)
{
    /// <summary>The precisions that settings name.</summary>
    /// <param name="run">That of the run, <c>run.dtype</c>.</param>
    /// <param name="text">Of the text encoders: <c>run</c>, <c>file</c>, or fp32.</param>
    /// <param name="decoder">Of the picture decoder: <c>run</c>, or fp32.</param>
    public static PipelineTypes Of(ScalarType run, string text, string decoder)
    {
        ScalarType Type(string dtype) => dtype == "run" ? run : ScalarType.Float32;
        return new PipelineTypes(run, text == "file" ? null : Type(text), Type(decoder));
    }

    /// <summary>The precision in which the transformer's weights are kept: fp32 masters of trained ones, frozen ones in that of the arithmetic.</summary>
    public ScalarType Kept(bool isTrained) => isTrained ? ScalarType.Float32 : Transformer;
}
