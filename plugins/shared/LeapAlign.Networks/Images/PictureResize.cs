using System.Text.Json.Serialization;

namespace LeapAlign.Networks.Images;

/// <summary>How pictures are resized before a model looks at them: a setting of rewards.</summary>
public enum PictureResize
{
    /// <summary>In floating point.</summary>
    [JsonStringEnumMemberName("tensor")]
    Tensor,

    /// <summary>With rounding to 8 bits after each axis, as the Python Imaging Library does.</summary>
    [JsonStringEnumMemberName("pil")]
    Pil,
}

/// <summary>What the setting says of itself.</summary>
public static class PictureResizing
{
    /// <summary>Its description.</summary>
    public const string Description = "How pictures are resized: tensor (in floating point, the differentiable path of published trainers) or pil (rounded to 8 bits after each axis, as published scores of files are; the gradient is that of tensor).";
}
