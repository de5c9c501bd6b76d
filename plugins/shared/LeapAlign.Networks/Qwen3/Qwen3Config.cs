using System.Text.Json;
using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Qwen3;

/// <summary>config.json of a Qwen3 text encoder; fields that are absent have the defaults of the transformers library.</summary>
public sealed record Qwen3Config
{
    private const string Partial = "partial_rotary_factor";

    /// <summary>Width of the hidden state.</summary>
    public required int Width { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required int Intermediate { get; init; }

    /// <summary>Layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Heads of queries.</summary>
    public required int Heads { get; init; }

    /// <summary>Heads of keys and values, each for as many heads of queries.</summary>
    public required int KeyHeads { get; init; }

    /// <summary>Width of a head; heads times this need not be <see cref="Width"/>.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Epsilon of every norm.</summary>
    public required double Epsilon { get; init; }

    /// <summary>The base of the angles by which heads turn.</summary>
    public required double RotaryBase { get; init; }

    /// <summary>Whether the projections of the attention have biases.</summary>
    public required bool HasAttentionBias { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Reads the config.json of a <c>Qwen3Model</c> or a <c>Qwen3ForCausalLM</c>, whose head is not used.</summary>
    /// <param name="path">The file.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<Qwen3Config> Read(string path, Action<Fault>? warn = null) => ConfigFields.Read(path, ["Qwen3Model", "Qwen3ForCausalLM"], From, TextFormats.Qwen3, warn);

    private static Qwen3Config From(ConfigFields fields)
    {
        fields.RequireCommon("qwen3", saysLayerTypes: true);
        fields.Require(fields.Flag("is_causal", true), "is_causal", "is false, but no token sees a later one");
        fields.NotNull("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "head_dim", "rms_norm_eps", "vocab_size", "attention_bias", "hidden_act", "rope_theta", "is_causal");
        var (heads, layers) = (fields.Size("num_attention_heads", 32), fields.Size("num_hidden_layers", 32));
        var keyHeads = fields.Properties.Any(static field => field.Name == "num_key_value_heads" && field.Value.ValueKind == JsonValueKind.Null) ? heads : fields.Size("num_key_value_heads", 32);
        fields.Require(heads % keyHeads == 0, "num_key_value_heads", $"is {keyHeads}, which does not divide the {heads} heads of queries");
        var activation = fields.Text("hidden_act", "silu");
        fields.Require(activation is "silu" or "swish", "hidden_act", $"is \"{activation}\", but has to be silu");
        fields.Require(!fields.Flag("use_sliding_window", false), "use_sliding_window", "is true, but every token has to see all before it");
        if (fields.Has("layer_types")) fields.All("layer_types", "full_attention", layers);
        var head = fields.Size("head_dim", 128);
        fields.Require(head % 2 == 0, "head_dim", $"is {head}, but has to be even");
        return new Qwen3Config
        {
            Width = fields.Size("hidden_size", 4096),
            Intermediate = fields.Size("intermediate_size", 22016),
            Layers = layers,
            Heads = heads,
            KeyHeads = keyHeads,
            HeadWidth = head,
            Epsilon = fields.Fraction("rms_norm_eps", 1e-6),
            RotaryBase = Base(fields),
            HasAttentionBias = fields.Flag("attention_bias", false),
            Vocabulary = fields.Size("vocab_size", 151936),
        };
    }

    // An object of the older name hides one of the newer; what stands beside them counts where neither has it.
    private static double Base(ConfigFields fields)
    {
        var plain = fields.Number("rope_theta", 10_000);
        fields.Absent(Partial);
        var scaling = fields.Section("rope_scaling");
        var section = scaling.Properties.Any() ? scaling : fields.Section("rope_parameters");
        foreach (var name in (string[])["rope_type", "type"])
        {
            var type = section.Text(name, "default");
            section.Require(type == "default", name, $"is \"{type}\", but has to be default: angles that are scaled are not known");
        }
        section.Absent(Partial);
        section.Absent("full_attention");
        var rotaryBase = section.Number("rope_theta", plain);
        fields.Require(rotaryBase > 0, "rope_theta", "has to be above 0");
        return rotaryBase;
    }
}
