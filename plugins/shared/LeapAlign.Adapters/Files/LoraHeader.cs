using System.Globalization;
using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Adapters.Files;

/// <summary>Where the scales of a file's factors come from.</summary>
/// <param name="Config">What PEFT's configuration says; null where the file has none.</param>
/// <param name="Location">The file that holds it.</param>
/// <param name="Trained">The ranks and alphas that LeapAlign trained with; null in files of others.</param>
internal sealed record LoraScales(LoraConfig? Config, string Location, TrainedScales? Trained);

/// <summary>The rank and the alpha of a layer's training.</summary>
/// <param name="Rank">How wide the narrow side was.</param>
/// <param name="Alpha">The numerator of the scale.</param>
internal readonly record struct TrainedScale(int Rank, double Alpha);

/// <summary>What LeapAlign writes into a header beside diffusers' entry: the rank and the alpha that were trained, for most layers and for those that differ.</summary>
/// <param name="Common">Of most layers.</param>
/// <param name="Others">Of the others, by name.</param>
internal sealed record TrainedScales(TrainedScale Common, IReadOnlyDictionary<string, TrainedScale> Others)
{
    /// <summary>Of one layer.</summary>
    public TrainedScale Of(string module) => Others.GetValueOrDefault(module, Common);
}

/// <summary>
/// The header of a file of diffusers: <c>lora_adapter_metadata</c> with PEFT's configuration, and <c>leapalign_lora</c> with what was trained. Files are written with the scale in B and an alpha that is the
/// rank, so that a reader that does not look at the header draws the same pictures.
/// </summary>
internal static class LoraHeader
{
    /// <summary>diffusers' entry.</summary>
    public const string DiffusersKey = "lora_adapter_metadata";

    /// <summary>Our own entry.</summary>
    public const string TrainedKey = "leapalign_lora";

    private const string Prefix = "transformer.";

    /// <summary>Reads both entries.</summary>
    public static Result<LoraScales> Read(SafetensorsFile file, Action<Fault>? warn)
    {
        LoraConfig? config = null;
        if (Find(file, DiffusersKey) is { } text)
        {
            if (!WithoutPrefix(file, text).Bind(root => ReadConfig(file, root, warn)).TryGet(out config, out var wrong)) return wrong;
        }
        if (Find(file, TrainedKey) is not { } own) return new LoraScales(config, file.Location, null);
        return ReadTrained(file, own).Map(trained => new LoraScales(config, file.Location, trained));
    }

    /// <summary>Makes the header of factors whose scale is in B.</summary>
    public static Dictionary<string, string> Of(IReadOnlyDictionary<string, TrainedScale> modules)
    {
        var common = modules.Values.GroupBy(static scale => scale).OrderByDescending(static group => group.Count()).ThenBy(static group => group.Key.Rank).First().Key;
        return new Dictionary<string, string>
        {
            ["format"] = "pt",
            [DiffusersKey] = Json(json => WriteConfig(json, modules, common.Rank)),
            [TrainedKey] = Json(json => WriteTrained(json, modules, common)),
        };
    }

    // The fields that every version of PEFT has: diffusers refuses a header with one that its version does not know.
    private static void WriteConfig(Utf8JsonWriter json, IReadOnlyDictionary<string, TrainedScale> modules, int rank)
    {
        // The expressions are matched with the end of a path: ^ keeps 'proj_out' from meaning that of every block.
        var others = modules.Where(module => module.Value.Rank != rank).OrderBy(static module => module.Key, StringComparer.Ordinal).ToList();
        foreach (var key in (string[])["alpha_pattern", "rank_pattern"])
        {
            json.WriteStartObject(Prefix + key);
            foreach (var (name, scale) in others) json.WriteNumber($"^{name}", scale.Rank);
            json.WriteEndObject();
        }
        json.WriteString(Prefix + "bias", "none");
        json.WriteBoolean(Prefix + "fan_in_fan_out", false);
        json.WriteBoolean(Prefix + "init_lora_weights", true);
        json.WriteNumber(Prefix + "lora_alpha", rank);
        json.WriteNumber(Prefix + "lora_dropout", 0.0);
        json.WriteString(Prefix + "peft_type", "LORA");
        json.WriteNumber(Prefix + "r", rank);
        json.WriteStartArray(Prefix + "target_modules");
        foreach (var name in modules.Keys.Order(StringComparer.Ordinal)) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteBoolean(Prefix + "use_rslora", false);
    }

    private static void WriteTrained(Utf8JsonWriter json, IReadOnlyDictionary<string, TrainedScale> modules, TrainedScale common)
    {
        WriteScale(json, common);
        json.WriteStartObject("modules");
        foreach (var (name, scale) in modules.Where(module => module.Value != common).OrderBy(static module => module.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(name);
            WriteScale(json, scale);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteScale(Utf8JsonWriter json, TrainedScale scale)
    {
        json.WriteNumber("rank", scale.Rank);
        json.WriteNumber("alpha", scale.Alpha);
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string? Find(SafetensorsFile file, string key) => file.Metadata.TryGetValue(key, out var text) && text.Length > 0 ? text : null;

    // The transformer's keys; those of text encoders, whose factors are refused where there are any, are not the transformer's business.
    private static Result<byte[]> WithoutPrefix(SafetensorsFile file, string text)
    {
        using var document = Parsed(text);
        if (document is null) return NotAnObject(file, DiffusersKey);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject().Where(static property => property.Name.StartsWith(Prefix, StringComparison.Ordinal)))
            {
                json.WritePropertyName(property.Name[Prefix.Length..]);
                property.Value.WriteTo(json);
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static Result<LoraConfig> ReadConfig(SafetensorsFile file, byte[] text, Action<Fault>? warn)
    {
        using var document = JsonDocument.Parse(text);
        return LoraConfig.Read(file.Location, document.RootElement, warn);
    }

    private static Result<TrainedScales> ReadTrained(SafetensorsFile file, string text)
    {
        using var document = Parsed(text);
        if (document is null) return NotAnObject(file, TrainedKey);
        if (Scale(document.RootElement) is not { } common) return NoScale(file, "");
        Dictionary<string, TrainedScale> others = [];
        if (document.RootElement.TryGetProperty("modules", out var modules))
        {
            if (modules.ValueKind != JsonValueKind.Object) return NotAnObject(file, $"{TrainedKey}.modules");
            foreach (var module in modules.EnumerateObject())
            {
                if (Scale(module.Value) is not { } scale) return NoScale(file, $" of '{module.Name}'");
                others[module.Name] = scale;
            }
        }
        return new TrainedScales(common, others);
    }

    private static TrainedScale? Scale(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty("rank", out var rank) && rank.ValueKind == JsonValueKind.Number && rank.TryGetInt32(out var whole) && whole >= 1
        && element.TryGetProperty("alpha", out var alpha) && alpha.ValueKind == JsonValueKind.Number && alpha.TryGetDouble(out var number) && double.IsFinite(number) && number != 0
            ? new TrainedScale(whole, number)
            : null;

    private static JsonDocument? Parsed(string text)
    {
        try
        {
            var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
        }
        catch (JsonException)
        {
            // What is not JSON is no object either.
        }
        return null;
    }

    private static Fault NotAnObject(SafetensorsFile file, string key) =>
        new Fault.Input(FaultCodes.WrongModelClass, $"'{key}' of the header is not a JSON object", new SourcePlace(file.Location, Key: key));

    private static Fault NoScale(SafetensorsFile file, string whose) =>
        new Fault.Input(FaultCodes.WrongModelClass, string.Create(CultureInfo.InvariantCulture, $"'{TrainedKey}' of the header has no rank from 1 on and alpha other than 0{whose}"), new SourcePlace(file.Location, Key: TrainedKey));
}
