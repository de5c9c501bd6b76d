using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Bench.References;

/// <summary>A run that the reference libraries draw after.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Model">The pipeline folder that it trains.</param>
internal sealed record ReferenceCase(string Name, string Model)
{
    /// <summary>Sampling steps.</summary>
    public const int Steps = 10;

    /// <summary>How strongly captions steer.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Whether the card of the export says the guidance; otherwise diffusers is told.</summary>
    public bool CardSaysGuidance { get; init; }

    /// <summary>Whether diffusers is told the noise levels <c>linspace(1, 1/N, N)</c>, which the schedule <c>auto</c> begins with; otherwise it takes its own.</summary>
    public bool LevelsAreTold { get; init; }

    /// <summary>The size of the pictures; null takes the model's own.</summary>
    public ImageSize? Size { get; init; }

    /// <summary>What else differs from examples/lora.json.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>The arguments that diffusers is given beside those of the card.</summary>
    public JsonObject Call()
    {
        var call = new JsonObject { ["num_inference_steps"] = Steps };
        if (!CardSaysGuidance) call["guidance_scale"] = Guidance;
        if (LevelsAreTold) call["sigmas"] = new JsonArray([.. Enumerable.Range(0, Steps).Select(static step => (JsonNode)(1 - ((double)step / Steps)))]);
        return call;
    }

    /// <summary>The latents of a picture, [C, h, w].</summary>
    public IReadOnlyList<long> Latents()
    {
        var vae = JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "vae", "config.json")))!;
        var factor = 1 << (vae["block_out_channels"]!.AsArray().Count - 1);
        var size = Size ?? new ImageSize((int)vae["sample_size"]!, (int)vae["sample_size"]!);
        return [(long)vae["latent_channels"]!, size.Height / factor, size.Width / factor];
    }
}
