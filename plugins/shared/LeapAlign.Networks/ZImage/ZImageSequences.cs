using LeapAlign.Networks.Flux;
using static TorchSharp.torch;

namespace LeapAlign.Networks.ZImage;

/// <summary>The lengths of a batch's sequences, how their tokens turn, and which do not count.</summary>
internal sealed class ZImageSequences
{
    // What the keys behind a caption's end have added to their scores: in every type the softmax makes 0 of it.
    private const float Masked = -1e30f;

    /// <summary>Counts them.</summary>
    /// <param name="inputs">The inputs.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="type">The type of the network's arithmetic.</param>
    /// <exception cref="ArgumentException">There are more places than the network has, or lengths that do not fit the context.</exception>
    public ZImageSequences(ZImageInputs inputs, ZImageConfig config, ScalarType type)
    {
        var (latents, rows, lengths) = (inputs.Latents, inputs.Context.shape[1], inputs.Lengths);
        if (lengths.Count != latents.shape[0] || lengths.Any(length => length < 1 || length > rows))
            throw new ArgumentException($"the captions have {string.Join(", ", lengths)} rows, but there are {latents.shape[0]} samples with {rows} rows each", nameof(inputs));
        int[] filled = [.. lengths.Select(static length => ZImageTokens.Filled(length))];
        var (grid, device) = (FluxTokens.Grid(latents.shape[2], latents.shape[3]), latents.device);
        (PictureTokens, CaptionTokens) = (ZImageTokens.Filled(grid.Rows * grid.Columns), filled.Max());
        long[] needed = [CaptionTokens + 2, grid.Rows, grid.Columns];
        if (needed.Where((places, axis) => places > config.Places[axis]).Any())
            throw new ArgumentException($"this takes [{string.Join(", ", needed)}] places, but the network has [{string.Join(", ", config.Places)}] (axes_lens)", nameof(inputs));
        var counting = new float[lengths.Count, CaptionTokens, 1];
        for (var sample = 0; sample < lengths.Count; sample++)
        {
            for (var token = 0; token < lengths[sample]; token++) counting[sample, token, 0] = 1;
        }
        Counts = from_array(counting).to(type, device);
        int[] distinct = [.. filled.Distinct()];
        var picture = ZImageTokens.OfPicture(distinct.Length == 1 ? distinct : filled, grid, config, device);
        var captions = ZImageTokens.OfCaptions(CaptionTokens, config, device);
        Tensor Joined(Tensor first, Tensor second) => cat([first, second.expand(first.shape[0], -1, -1, -1)], 2);
        OfPicture = [picture.Cosines, picture.Sines];
        // Captions that fill up to the same length need no mask.
        OfCaptions = [captions.Cosines, captions.Sines, .. distinct.Length == 1 ? [] : (Tensor[])[Mask(filled, 0, type, device)]];
        OfBoth = [Joined(picture.Cosines, captions.Cosines), Joined(picture.Sines, captions.Sines), .. distinct.Length == 1 ? [] : (Tensor[])[Mask(filled, PictureTokens, type, device)]];
    }

    /// <summary>Tokens of the picture, filled up.</summary>
    public int PictureTokens { get; }

    /// <summary>Tokens of the longest caption, filled up.</summary>
    public int CaptionTokens { get; }

    /// <summary>1 for a caption's own rows and 0 behind them, [B, T, 1].</summary>
    public Tensor Counts { get; }

    /// <summary>Cosines and sines of the picture's tokens.</summary>
    public Tensor[] OfPicture { get; }

    /// <summary>Cosines and sines of the captions' tokens, and the mask where one is needed.</summary>
    public Tensor[] OfCaptions { get; }

    /// <summary>The same of both, the picture's first.</summary>
    public Tensor[] OfBoth { get; }

    private Tensor Mask(int[] filled, int before, ScalarType type, Device device)
    {
        var mask = new float[filled.Length, 1, 1, before + CaptionTokens];
        for (var sample = 0; sample < filled.Length; sample++)
        {
            for (var token = filled[sample]; token < CaptionTokens; token++) mask[sample, 0, 0, before + token] = Masked;
        }
        return from_array(mask).to(type, device);
    }
}
