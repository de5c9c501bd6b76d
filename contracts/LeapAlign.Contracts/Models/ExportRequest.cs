using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Models;

/// <summary>A model folder to write.</summary>
/// <param name="Folder">Written whole or not at all; one that is there is replaced.</param>
/// <param name="Type">The precision of the trained weights in the file; null keeps that of the source.</param>
public sealed record ExportRequest(string Folder, ScalarType? Type)
{
    /// <summary>One tensor for each of the model's parameters, in order; null takes the weights that the model was opened with. Those of a flow map that is frozen beside an adapter are its gap embedding's.</summary>
    public IReadOnlyList<Tensor>? Weights { get; init; }

    /// <summary>How strongly captions steered in training, which a model that takes it as an input has to be drawn with; null where nobody says.</summary>
    public Guidance? Guidance { get; init; }

    /// <summary>Whether the model was trained to draw without the guidance of two branches, which whoever draws with its own library has to be told.</summary>
    public bool LearnedGuidance { get; init; }

    /// <summary>
    /// What an adapter adds to weights of linear layers, by the name of the site: [out, in], fp32, made when it is asked for. It is added to the weights of the
    /// source in fp32.
    /// </summary>
    public IReadOnlyDictionary<string, Func<Tensor>> Updates { get; init; } = new Dictionary<string, Func<Tensor>>();
}
