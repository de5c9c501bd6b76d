using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;

namespace LeapAlign.Pipelines;

/// <summary>Where the networks of a pipeline compute, and where their weights lie: for devices whose memory is smaller than the model.</summary>
public sealed record ModelPlacement
{
    /// <summary>The transformer.</summary>
    [Description("Where the weights of the transformer lie: run, on the device of the run; host, in the memory of the machine, from where a layer at a time comes to the device, in each evaluation anew (beside an adapter alone). On the CPU they are the same: weights that are not trained stay in their files.")]
    [AllowedValues(PlacedPart.Run, PlacedPart.Host)]
    public string Transformer { get; init; } = PlacedPart.Run;

    /// <summary>The text encoders.</summary>
    [Description("Where the text encoders compute: run, on the device of the run; host, there too, with their weights in the memory of the machine, from where a layer at a time comes to the device for each batch of captions that is new; or another device: cpu, cuda, cuda:0, cuda:1, ...")]
    [RegularExpression(PlacedPart.Words)]
    public string TextEncoders { get; init; } = PlacedPart.Host;

    /// <summary>The picture decoder.</summary>
    [Description("Where the picture decoder computes: run, on the device of the run; host, there too, with its weights in the memory of the machine, from where they come to the device for each decoding; or another device: cpu, cuda, cuda:0, cuda:1, ...")]
    [RegularExpression(PlacedPart.Words)]
    public string Decoder { get; init; } = PlacedPart.Run;

    /// <summary>The homes that these words name in a run.</summary>
    /// <param name="context">Of the model.</param>
    /// <returns>LA1010 for a device that is not there; LA3003 for a transformer that is trained and would lie on the host.</returns>
    public Result<PipelineHomes> In(PartContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (Transformer == PlacedPart.Host && !context.IsFrozen)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, "weights that are trained lie on the device of the run, but placement.transformer is host and the run trains all weights of the model; add \"adapter\": \"lora\", or set placement.transformer to run");
        return from transformer in HomeOf(Transformer, context)
               from text in HomeOf(TextEncoders, context)
               from decoder in HomeOf(Decoder, context)
               select new PipelineHomes(context.Device, transformer, text, decoder);
    }

    private static Result<WeightHome> HomeOf(string word, PartContext context) => PlacedPart.Of(word, context).Map(static part => new WeightHome(part.Device, part.OnHost));
}

/// <summary>Where the networks of a pipeline live.</summary>
/// <param name="Run">The device of the run, from which their inputs come and to which their outputs go.</param>
/// <param name="Transformer">The transformer.</param>
/// <param name="Text">The text encoders.</param>
/// <param name="Decoder">The picture decoder.</param>
public sealed record PipelineHomes(TorchSharp.torch.Device Run, WeightHome Transformer, WeightHome Text, WeightHome Decoder)
{
    /// <summary>All on one device.</summary>
    public static PipelineHomes On(TorchSharp.torch.Device device) => new(device, device, device, device);

    /// <summary>The weights that settings can move, and where they lie.</summary>
    /// <param name="bytes">What they take; null for a transformer that is trained.</param>
    public IReadOnlyList<PlacedWeights> Placed((long? Transformer, long Text, long Decoder) bytes)
    {
        List<PlacedWeights> placed = [Of("textEncoders", bytes.Text, Text, false), Of("decoder", bytes.Decoder, Decoder, false)];
        if (bytes.Transformer is { } transformer) placed.Add(Of("transformer", transformer, Transformer, true));
        return placed;
    }

    // A plan for a device that is not here is made on this one, where weights on the host and on the device are the same.
    private PlacedWeights Of(string setting, long bytes, WeightHome home, bool inEvaluations) => new($"placement.{setting}", bytes, !home.OnHost && home.Device == Run, inEvaluations);
}
