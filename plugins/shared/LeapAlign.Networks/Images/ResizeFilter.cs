namespace LeapAlign.Networks.Images;

/// <summary>How a picture's pixels are weighed when it is resized; both average over every pixel that a smaller one covers.</summary>
public enum ResizeFilter
{
    /// <summary>Triangles.</summary>
    Bilinear,

    /// <summary>Cubic convolution with a = -1/2, as image libraries have it. Its results can lie outside the range of the pixels.</summary>
    Bicubic,
}
