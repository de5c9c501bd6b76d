using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>
/// Latents as tokens, and the places of tokens. A token holds 2 × 2 latent pixels of all channels, the channel running slowest: its value number
/// <c>4c + 2y + x</c> is the pixel (y, x) of channel c. (SD3's patches have the channel run fastest.)
/// </summary>
public static class FluxTokens
{
    /// <summary>The edge of a token, in latent pixels.</summary>
    public const int Patch = 2;

    /// <summary>Latents [B, C, h, w] to tokens [B, (h/2)·(w/2), 4·C], row by row.</summary>
    /// <exception cref="ArgumentException">The latents are not a whole number of tokens.</exception>
    public static Tensor Pack(Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var scope = NewDisposeScope();
        var (batch, channels) = (latents.shape[0], latents.shape[1]);
        var (rows, columns) = Grid(latents.shape[2], latents.shape[3]);
        return latents.reshape(batch, channels, rows, Patch, columns, Patch).permute(0, 2, 4, 1, 3, 5)
            .reshape(batch, rows * columns, channels * Patch * Patch).MoveToOuterDisposeScope();
    }

    /// <summary>Tokens [B, (h/2)·(w/2), 4·C] to latents [B, C, h, w]: the inverse of <see cref="Pack"/>.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="height">The height h of the latents.</param>
    /// <param name="width">Their width w.</param>
    /// <exception cref="ArgumentException">The tokens are not those of latents of this size.</exception>
    public static Tensor Unpack(Tensor tokens, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        using var scope = NewDisposeScope();
        var (rows, columns) = Grid(height, width);
        var (batch, count, values) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        if (count != rows * columns) throw new ArgumentException($"{count} tokens are not those of latents of {height} × {width}", nameof(tokens));
        return tokens.reshape(batch, rows, columns, values / (Patch * Patch), Patch, Patch).permute(0, 3, 1, 4, 2, 5)
            .reshape(batch, values / (Patch * Patch), height, width).MoveToOuterDisposeScope();
    }

    /// <summary>The places of the tokens of latents [B, C, h, w]: (0, row, column), row by row.</summary>
    /// <returns>[(h/2)·(w/2), 3] fp32.</returns>
    /// <exception cref="ArgumentException">The latents are not a whole number of tokens.</exception>
    public static Tensor ImagePlaces(long height, long width, Device device)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = Grid(height, width);
        var row = arange(rows, dtype: ScalarType.Float32, device: device).unsqueeze(1).expand(rows, columns);
        var column = arange(columns, dtype: ScalarType.Float32, device: device).unsqueeze(0).expand(rows, columns);
        return stack([zeros_like(row), row, column], -1).view(rows * columns, FluxConfig.Axes).MoveToOuterDisposeScope();
    }

    /// <summary>The places of a text's tokens: all zero, so that they do not turn.</summary>
    /// <returns>[count, 3] fp32.</returns>
    public static Tensor TextPlaces(long count, Device device) => zeros(count, FluxConfig.Axes, dtype: ScalarType.Float32, device: device);

    /// <summary>Rows and columns of the tokens of latents.</summary>
    /// <exception cref="ArgumentException">The latents are not a whole number of tokens.</exception>
    internal static (long Rows, long Columns) Grid(long height, long width) => height % Patch == 0 && width % Patch == 0
        ? (height / Patch, width / Patch)
        : throw new ArgumentException($"latents of {height} × {width} are not a whole number of tokens of {Patch} × {Patch}", nameof(height));
}
