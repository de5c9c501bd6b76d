using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>The names that safetensors gives to precisions.</summary>
internal static class SafetensorsType
{
    private static readonly (string Name, ScalarType Type, int Size)[] Known =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    /// <summary>Every name that can be read, for messages.</summary>
    public static string Names { get; } = string.Join(", ", Known.Select(known => known.Name));

    /// <summary>The precision of a name.</summary>
    /// <returns>Whether the name is one that TorchSharp has a type for (the 8-bit floats are not).</returns>
    public static bool TryParse(string name, out ScalarType type)
    {
        var index = Array.FindIndex(Known, known => known.Name == name);
        type = index < 0 ? default : Known[index].Type;
        return index >= 0;
    }

    /// <summary>Whether a name is that of a float of 8 bits or fewer: F8_E4M3, F8_E5M2, F8_E8M0, F6_E2M3, F4.</summary>
    public static bool IsSmallFloat(string name) => name is ['F', '8' or '6' or '4', ..] && name != "F64";

    /// <summary>The name of a precision, or null when the format has none (complex numbers).</summary>
    public static string? NameOf(ScalarType type) => Array.Find(Known, known => known.Type == type).Name;

    /// <summary>Bytes an element, 0 for a type that the format does not have.</summary>
    public static int SizeOf(ScalarType type) => Array.Find(Known, known => known.Type == type).Size;
}
