using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;

namespace LeapAlign.Pipelines;

/// <summary>How a picture becomes latents, and these become tokens of the transformer.</summary>
/// <param name="SpatialFactor">Pixels of a picture per latent pixel, along an edge.</param>
/// <param name="PatchSize">Latent pixels per token, along an edge.</param>
/// <param name="Channels">Channels of the latents.</param>
public sealed record PictureGrid(int SpatialFactor, int PatchSize, int Channels)
{
    /// <summary>The most tokens along an edge; null where positions have no end.</summary>
    public int? LargestEdge { get; init; }

    /// <summary>Pixels of a picture per token, along an edge: sizes are multiples of it.</summary>
    public int Unit => SpatialFactor * PatchSize;

    /// <summary>The picture of square latents.</summary>
    /// <param name="latents">Their edge, in latent pixels.</param>
    public ImageSize Square(int latents) => new(latents * SpatialFactor, latents * SpatialFactor);

    /// <summary>The latents of pictures of a size, [C, h, w], and their tokens.</summary>
    /// <returns><see cref="FaultCodes.OutOfRange"/> when the size does not fit the patches.</returns>
    public Result<LatentSpace> Latents(ImageSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        return Fits(size.Width) && Fits(size.Height)
            ? new LatentSpace([Channels, size.Height / SpatialFactor, size.Width / SpatialFactor], Tokens(size))
            : new Fault.Configuration(FaultCodes.OutOfRange, $"a picture of {size} does not fit this model: width and height are multiples of {Unit}{(LargestEdge is { } edge ? $", at most {edge * Unit}" : "")}");
    }

    /// <summary>Whether pictures of all sizes that will be asked for fit.</summary>
    /// <returns>The fault of the first that does not, with its place.</returns>
    public Result<Unit> Check(IEnumerable<AskedSize> sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        foreach (var asked in sizes)
        {
            if (!Latents(asked.Size).TryGet(out _, out var fault)) return fault with { Place = asked.Place };
        }
        return Pipeline.Unit.Value;
    }

    /// <summary>The tokens of a picture whose size fits.</summary>
    public int Tokens(ImageSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        return size.Width / Unit * (size.Height / Unit);
    }

    private bool Fits(int edge) => edge > 0 && edge % Unit == 0 && (LargestEdge is not { } largest || edge <= largest * Unit);
}
