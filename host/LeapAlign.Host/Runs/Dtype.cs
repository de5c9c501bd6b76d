using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary>Precisions by the names that plugins.json uses.</summary>
internal static class Dtype
{
    /// <summary>The precision; null for <c>source</c>.</summary>
    /// <exception cref="ArgumentException">The schema lets no other word through.</exception>
    public static ScalarType? Parse(string name) => name switch
    {
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        "source" => null,
        _ => throw new ArgumentException($"'{name}' is no precision", nameof(name)),
    };
}
