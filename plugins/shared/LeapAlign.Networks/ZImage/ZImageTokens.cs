using LeapAlign.Networks.Flux;
using static TorchSharp.torch;

namespace LeapAlign.Networks.ZImage;

/// <summary>
/// Latents as tokens of 2 × 2 latent pixels, in which the channel runs fastest: value number <c>(2y + x) C + c</c> is the pixel (y, x) of channel c (in a token of FLUX the channel runs slowest). Both
/// sequences, of the picture and of the caption, are filled up to a multiple of 32 with tokens that the network learnt, and the places of tokens.
/// </summary>
public static class ZImageTokens
{
    /// <summary>The edge of a token, in latent pixels.</summary>
    public const int Patch = FluxTokens.Patch;

    private const int Multiple = 32;

    /// <summary>The tokens of a sequence that is filled up.</summary>
    /// <param name="count">Its own tokens.</param>
    public static int Filled(long count) => (int)((count + Multiple - 1) / Multiple * Multiple);

    /// <summary>Latents [B, C, h, w] to tokens [B, (h/2)·(w/2), 4·C], row by row.</summary>
    /// <exception cref="ArgumentException">The latents are not a whole number of tokens.</exception>
    public static Tensor Pack(Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var scope = NewDisposeScope();
        var (batch, channels) = (latents.shape[0], latents.shape[1]);
        var (rows, columns) = FluxTokens.Grid(latents.shape[2], latents.shape[3]);
        return latents.reshape(batch, channels, rows, Patch, columns, Patch).permute(0, 2, 4, 3, 5, 1)
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
        var (rows, columns) = FluxTokens.Grid(height, width);
        var (batch, count, values) = (tokens.shape[0], tokens.shape[1], tokens.shape[2]);
        if (count != rows * columns) throw new ArgumentException($"{count} tokens are not those of latents of {height} × {width}", nameof(tokens));
        return tokens.reshape(batch, rows, columns, Patch, Patch, values / (Patch * Patch)).permute(0, 5, 1, 3, 2, 4)
            .reshape(batch, values / (Patch * Patch), height, width).MoveToOuterDisposeScope();
    }

    /// <summary>How the picture's tokens turn: the place behind the caption's, the row and the column; those that fill up have place 0.</summary>
    /// <param name="captions">The filled-up length of each caption: one for all samples, or one for each.</param>
    /// <param name="grid">Rows and columns of tokens.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="device">Where the result goes.</param>
    internal static RotaryPositions OfPicture(IReadOnlyList<int> captions, (long Rows, long Columns) grid, ZImageConfig config, Device device)
    {
        var count = grid.Rows * grid.Columns;
        return Turning(captions, Filled(count), config, device, (caption, token) => token < count ? (caption + 1, token / grid.Columns, token % grid.Columns) : (0, 0, 0));
    }

    /// <summary>How the captions' tokens turn: the first has place 1, and those that fill up are counted on.</summary>
    /// <param name="length">The tokens of the longest, filled up.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="device">Where the result goes.</param>
    internal static RotaryPositions OfCaptions(int length, ZImageConfig config, Device device) => Turning([0], length, config, device, static (_, token) => (token + 1, 0, 0));

    // place · θ^(−2i/w) in fp64, rounded to fp32 before the cosine: what the reference's table holds.
    private static RotaryPositions Turning(IReadOnlyList<int> samples, int tokens, ZImageConfig config, Device device, Func<int, long, (long, long, long)> place)
    {
        var places = new double[samples.Count, tokens, ZImageConfig.Axes];
        for (var sample = 0; sample < samples.Count; sample++)
        {
            for (var token = 0; token < tokens; token++)
                (places[sample, token, 0], places[sample, token, 1], places[sample, token, 2]) = place(samples[sample], token);
        }
        using var scope = NewDisposeScope();
        var all = from_array(places).to(device);
        var angles = cat([.. config.RotaryWidths.Select((width, axis) => all.select(2, axis).unsqueeze(2) * RotaryPositions.Frequencies(width, config.RotaryBase, device))], 2).to(ScalarType.Float32).unsqueeze(1);
        return new(angles.cos().MoveToOuterDisposeScope(), angles.sin().MoveToOuterDisposeScope());
    }
}
