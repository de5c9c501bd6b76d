using static TorchSharp.torch;

namespace LeapAlign.Networks.Safetensors;

/// <summary>The names that the format gives to element types.</summary>
internal static class SafetensorsType
{
    private static readonly (string Name, ScalarType Type, int Size)[] Known =
    [
        ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2), ("F64", ScalarType.Float64, 8),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1), ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    public static IEnumerable<string> Names => Known.Select(static known => known.Name);

    /// <summary>The type of a name, or null.</summary>
    public static ScalarType? Find(string name) => Known.Where(known => known.Name == name).Select(static known => (ScalarType?)known.Type).FirstOrDefault();

    /// <summary>The name of a type.</summary>
    /// <exception cref="NotSupportedException">The format has no such type.</exception>
    public static string NameOf(ScalarType type) => Known.FirstOrDefault(known => known.Type == type).Name ?? throw new NotSupportedException($"safetensors has no type for {type}");

    /// <summary>Bytes of one element.</summary>
    public static int SizeOf(ScalarType type) => Known.Single(known => known.Type == type).Size;
}
