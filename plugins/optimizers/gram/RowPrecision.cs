using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Gram;

/// <summary>How gradients are kept.</summary>
public enum RowPrecision
{
    /// <summary>As the weights are trained, in fp32.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,

    /// <summary>In half the memory, to three digits.</summary>
    [JsonStringEnumMemberName("bfloat16")]
    BFloat16,
}
