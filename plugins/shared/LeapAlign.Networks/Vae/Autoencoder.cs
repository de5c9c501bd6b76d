using LeapAlign.Networks.Weights;

namespace LeapAlign.Networks.Vae;

/// <summary>Both halves of diffusers' <c>AutoencoderKL</c>, over one set of weights as a <c>vae</c> folder holds them.</summary>
public sealed class Autoencoder
{
    /// <summary>Declares the weights of both halves.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="scope">The scope of the component.</param>
    /// <param name="recomputes">As of <see cref="AutoencoderDecoder"/>.</param>
    public Autoencoder(VaeConfig config, WeightScope scope, bool recomputes = false)
    {
        Encoder = new AutoencoderEncoder(config, scope);
        Decoder = new AutoencoderDecoder(config, scope, recomputes);
    }

    /// <summary>Pictures to latents.</summary>
    public AutoencoderEncoder Encoder { get; }

    /// <summary>Latents to pictures.</summary>
    public AutoencoderDecoder Decoder { get; }
}
