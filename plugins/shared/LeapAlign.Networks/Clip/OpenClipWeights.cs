using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>
/// The weights of an open_clip model under the names and in the shapes of transformers: queries, keys and values lie in one matrix there, one below the other, and
/// projections multiply from the right. Nothing is copied: a part of a mapped file stays where it is.
/// </summary>
public sealed class OpenClipWeights : IWeightSource
{
    /// <summary>What file names begin with.</summary>
    public const string Stem = "open_clip_model";

    private static readonly string[] Ignored = ["position_ids", "attn_mask"];
    private readonly IWeightSource _file;
    private readonly Dictionary<string, Part> _parts;

    private OpenClipWeights(IWeightSource file, Dictionary<string, Part> parts)
    {
        (_file, _parts) = (file, parts);
        Entries = parts.ToDictionary(static pair => pair.Key, pair => new WeightEntry(file.Entries[pair.Value.File].Type, pair.Value.Shape));
    }

    /// <inheritdoc/>
    public string Location => _file.Location;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries { get; }

    /// <summary>Looks at a file as if transformers had written it.</summary>
    /// <param name="file">The file, or shards, with the names of open_clip.</param>
    /// <param name="config">The model.</param>
    /// <returns>A fault that names, as the file does, the first tensor that is missing, not of this model, or of another shape.</returns>
    public static Result<OpenClipWeights> Of(IWeightSource file, ClipConfig config)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(config);
        var parts = OfTowers(config).ToDictionary(static part => part.Name);
        var place = new SourcePlace(file.Location);
        foreach (var part in parts.Values)
        {
            if (!file.Entries.TryGetValue(part.File, out var entry)) return new Fault.Input(FaultCodes.TensorMismatch, $"tensor '{part.File}' is missing", place);
            if (!entry.Shape.SequenceEqual(part.FileShape))
                return new Fault.Input(FaultCodes.ShapeMismatch, $"tensor '{part.File}' is [{string.Join(", ", entry.Shape)}], but {OpenClipConfig.File} makes it [{string.Join(", ", part.FileShape)}]", place);
        }
        var known = parts.Values.Select(static part => part.File).ToHashSet();
        var unexpected = file.Entries.Keys.FirstOrDefault(name => !known.Contains(name) && !Ignored.Any(ignored => name.EndsWith(ignored, StringComparison.Ordinal)));
        return unexpected is null ? new OpenClipWeights(file, parts) : new Fault.Input(FaultCodes.TensorMismatch, $"tensor '{unexpected}' is not part of this model", place);
    }

    /// <inheritdoc/>
    public Result<Tensor> Read(string name) => _file.Read(_parts[name].File).Map(_parts[name].Of);

    /// <inheritdoc/>
    public Result<Tensor> Map(string name) => _file.Map(_parts[name].File).Map(_parts[name].Of);

    /// <inheritdoc/>
    public Result<Unit> CheckMapped() => _file.CheckMapped();

    private static IEnumerable<Part> OfTowers(ClipConfig config)
    {
        var (vision, text) = (config.Vision, config.Text);
        var (width, side) = (vision.Transformer.Width, vision.ImageSize / vision.PatchSize);
        const string embeddings = "vision_model.embeddings";
        return
        [
            new($"{embeddings}.class_embedding", "visual.class_embedding", [width]),
            new($"{embeddings}.patch_embedding.weight", "visual.conv1.weight", [width, vision.Channels, vision.PatchSize, vision.PatchSize]),
            new($"{embeddings}.position_embedding.weight", "visual.positional_embedding", [(side * side) + 1, width]),
            .. Pair("vision_model.pre_layrnorm", "visual.ln_pre", width),
            .. Layers("vision_model.encoder.layers", "visual.transformer.resblocks", vision.Transformer),
            .. Pair("vision_model.post_layernorm", "visual.ln_post", width),
            new("visual_projection.weight", "visual.proj", [vision.Projection, width]) { IsTurned = true },
            new("text_model.embeddings.token_embedding.weight", "token_embedding.weight", [text.Vocabulary, text.Transformer.Width]),
            new("text_model.embeddings.position_embedding.weight", "positional_embedding", [text.Positions, text.Transformer.Width]),
            .. Layers("text_model.encoder.layers", "transformer.resblocks", text.Transformer),
            .. Pair("text_model.final_layer_norm", "ln_final", text.Transformer.Width),
            new("text_projection.weight", "text_projection", [text.Projection ?? vision.Projection, text.Transformer.Width]) { IsTurned = true },
            new("logit_scale", "logit_scale", []),
        ];
    }

    private static IEnumerable<Part> Layers(string name, string file, ClipTransformerConfig config)
    {
        var (width, inside) = (config.Width, config.Intermediate);
        return Enumerable.Range(0, config.Layers).SelectMany(index => Layer($"{name}.{index}", $"{file}.{index}"));

        IEnumerable<Part> Layer(string name, string file) =>
        [
            .. Pair($"{name}.layer_norm1", $"{file}.ln_1", width),
            .. ((string[])["q_proj", "k_proj", "v_proj"]).SelectMany((projection, third) => (Part[])
            [
                new($"{name}.self_attn.{projection}.weight", $"{file}.attn.in_proj_weight", [width, width]) { Third = third },
                new($"{name}.self_attn.{projection}.bias", $"{file}.attn.in_proj_bias", [width]) { Third = third },
            ]),
            .. Pair($"{name}.self_attn.out_proj", $"{file}.attn.out_proj", width, width),
            .. Pair($"{name}.layer_norm2", $"{file}.ln_2", width),
            .. Pair($"{name}.mlp.fc1", $"{file}.mlp.c_fc", inside, width),
            .. Pair($"{name}.mlp.fc2", $"{file}.mlp.c_proj", width, inside),
        ];
    }

    private static Part[] Pair(string name, string file, params long[] shape) => [new($"{name}.weight", $"{file}.weight", shape), new($"{name}.bias", $"{file}.bias", shape[..1])];

    /// <summary>A tensor of transformers within one of open_clip.</summary>
    /// <param name="Name">Its name there.</param>
    /// <param name="File">The name in the file.</param>
    /// <param name="Shape">Its shape there.</param>
    private sealed record Part(string Name, string File, long[] Shape)
    {
        /// <summary>Which third of the rows it is; null for all of them.</summary>
        public int? Third { get; init; }

        /// <summary>Whether rows and columns change places.</summary>
        public bool IsTurned { get; init; }

        /// <summary>The shape in the file.</summary>
        public IEnumerable<long> FileShape => Third is not null ? [3 * Shape[0], .. Shape[1..]] : IsTurned ? Shape.Reverse() : Shape;

        /// <summary>The part, a view; the handle of the whole is given up.</summary>
        public Tensor Of(Tensor whole)
        {
            if (Third is null && !IsTurned) return whole;
            using (whole) return Third is { } third ? whole.narrow(0, third * Shape[0], Shape[0]) : whole.t();
        }
    }
}
