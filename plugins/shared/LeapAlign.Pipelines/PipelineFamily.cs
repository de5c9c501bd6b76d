using LeapAlign.Networks.Formats;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Pipelines;

/// <summary>
/// What the folders of diffusers' pipelines differ in, as data: the class and its components, from which model_index.json is read, and what the class takes when
/// it is called without arguments, which the card of an export says. <see cref="PipelineFamilies"/> has those that are known.
/// </summary>
/// <param name="className">diffusers' class: <c>StableDiffusion3Pipeline</c>.</param>
/// <param name="components">Its components, in the order of documentation.</param>
public sealed class PipelineFamily(string className, IReadOnlyList<PipelineComponent> components)
{
    /// <summary>diffusers' class.</summary>
    public string ClassName { get; } = className;

    /// <summary>Its components.</summary>
    public IReadOnlyList<PipelineComponent> Components { get; } = components;

    /// <summary>The model part that opens its folders, for messages.</summary>
    public required string Model { get; init; }

    /// <summary>The component that is trained, and whose weights an export writes anew.</summary>
    public string Trained { get; init; } = "transformer";

    /// <summary>The component that is a T5 encoder; null where the class has none.</summary>
    public string? T5Encoder { get; init; }

    /// <summary>The component that is the tokenizer of <see cref="T5Encoder"/>.</summary>
    public string? T5Tokenizer { get; init; }

    /// <summary>The encoder that reads most of a caption, for the card.</summary>
    public string Reader { get; init; } = "T5";

    /// <summary>Tokens of <see cref="Reader"/> when the class is called without <c>max_sequence_length</c>.</summary>
    public required int DefaultTextLength { get; init; }

    /// <summary>Whether the network sees the padding of captions.</summary>
    public bool PadsCaptions { get; init; } = true;

    /// <summary>The guidance when the class is called without <c>guidance_scale</c>, where the card says it; null where it does not.</summary>
    public double? DefaultGuidance { get; init; }

    /// <summary>What <c>guidance_scale</c> of the class is where there is no guidance: 1, or 0 where it counts what is added to the conditional velocity.</summary>
    public double Unguided { get; init; } = 1;

    /// <summary>Whether the class looks for <c>use_flow_sigmas</c> in the scheduler's configuration.</summary>
    public bool ReadsFlowSigmas { get; init; }

    /// <summary>The fields of its model_index.json.</summary>
    public FileFormat Format { get; } = new(PipelineIndex.FileName, $"diffusers {className}",
    [
        RefusedUnless("_class_name", $"{className}; code of its own is not run"),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        NoEffect("_diffusers_version", "who wrote it"),
        NoEffect("_ignore_files", "diffusers reads it when it downloads"),
        .. components.Select(static component => component.Field),
    ])
    { IsOfDiffusers = true };

    /// <summary>The component of this name.</summary>
    /// <exception cref="ArgumentException">The class has no such component.</exception>
    public PipelineComponent Find(string component) => Components.FirstOrDefault(known => known.Name == component)
        ?? throw new ArgumentException($"{ClassName} has no component '{component}'", nameof(component));
}

/// <summary>A component of a pipeline: a sub-folder, and the class that reads it.</summary>
/// <param name="Name">Its key in model_index.json, and the name of its folder.</param>
/// <param name="Library">The library that has the class: <c>diffusers</c> or <c>transformers</c>.</param>
/// <param name="Classes">The classes that are supported; any class is when there are none, since the component is copied into exports and not read.</param>
public sealed record PipelineComponent(string Name, string Library, params IReadOnlyList<string> Classes)
{
    /// <summary>Whether a folder may be without it.</summary>
    public bool MayLack { get; init; }

    /// <summary>What its weights are called: <c>diffusion_pytorch_model</c> by diffusers, <c>model</c> by transformers.</summary>
    public string Stem => Library == "diffusers" ? ExportFiles.DiffusersStem : ExportFiles.TransformersStem;

    /// <summary>Whether it is copied into exports and nothing else.</summary>
    internal bool IsCopiedOnly => Classes.Count == 0;

    internal string Supported => $"{string.Join(" or ", Classes.Select(name => $"{Library} {name}"))}{(MayLack ? ", or null" : "")}";

    internal FileField Field => IsCopiedOnly
        ? Honoured(Name, "copied into exports; image prompts (IP adapters), which alone use it, are not supported")
        : RefusedUnless(Name, Supported);

    internal bool Takes((string First, string Second) words) => words.First == Library && Classes.Contains(words.Second);
}
