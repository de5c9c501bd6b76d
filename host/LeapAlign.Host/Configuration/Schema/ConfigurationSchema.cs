using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary>The schema of plugins.json, apart from what each part's settings are.</summary>
internal static class ConfigurationSchema
{
    /// <summary>The sections and the host's own keys. Parts are anything here; each is checked against its own schema.</summary>
    public static JsonObject Structure { get; } = Build(_ => new JsonObject(), new JsonObject());

    /// <summary>An entry that names a part with settings.</summary>
    public static JsonObject Part { get; } = Entry([]);

    /// <summary>An entry of <c>rewards</c>.</summary>
    public static JsonObject Reward { get; } = Entry(SettingsSchema.Of(HostJson.Reward)["properties"]!.AsObject());

    /// <summary>Every section of plugins.json with what it holds: the host's own settings, or the entry of a part.</summary>
    public static IReadOnlyDictionary<string, JsonObject> Sections { get; } = Structure["properties"]!.AsObject()
        .Where(static section => !section.Key.StartsWith('$'))
        .ToDictionary(static section => section.Key, static section => section.Value!["properties"] is not null ? section.Value.AsObject() : section.Value["items"] is not null ? Reward : Part);

    /// <summary>The section of plugins.json that holds parts of a kind.</summary>
    public static string SectionOf(string kind) => kind == PartKinds.Reward ? "rewards" : kind;

    /// <summary>Puts the sections together.</summary>
    /// <param name="part">The schema of a part of a kind.</param>
    /// <param name="reward">The schema of an entry of <c>rewards</c>.</param>
    public static JsonObject Build(Func<string, JsonNode> part, JsonNode reward)
    {
        var evaluation = SettingsSchema.Of(HostJson.Evaluation);
        evaluation["description"] = "How often and on which captions the rewards are measured.";
        evaluation["properties"]!["prompts"] = Described(part(PartKinds.Prompts), "The captions of evaluation; those of training when it is absent.");
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["$schema"] = new JsonObject { ["type"] = "string" },
                ["run"] = Described(SettingsSchema.Of(HostJson.Run), "The run itself."),
                ["model"] = Described(part(PartKinds.Model), "The model that is aligned."),
                ["prompts"] = Described(part(PartKinds.Prompts), "The captions of training."),
                ["guidance"] = Described(SettingsSchema.Of(HostJson.Guidance), "Classifier-free guidance."),
                ["sampler"] = Described(part(PartKinds.Sampler), "How noise becomes a picture."),
                ["algorithm"] = Described(part(PartKinds.Algorithm), "How the model is aligned."),
                ["rewards"] = new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = reward,
                    ["description"] = "What scores the pictures: trained on, or held out and measured only.",
                },
                ["optimizer"] = Described(part(PartKinds.Optimizer), "How gradients change weights."),
                ["evaluation"] = evaluation,
                ["checkpoint"] = Described(SettingsSchema.Of(HostJson.Checkpoint), "What a run keeps so that it can be resumed to the same bits."),
                ["guard"] = Described(SettingsSchema.Of(HostJson.Guard), "What catches numbers that go bad, and parts that hang."),
                ["sentinel"] = Described(SettingsSchema.Of(HostJson.Sentinel), "What watches for a reward that is gamed."),
                ["telemetry"] = Described(SettingsSchema.Of(HostJson.Telemetry), "Where spans, metrics and logs go; nowhere by default."),
                ["export"] = Described(SettingsSchema.Of(HostJson.Export), "The model folder that the run writes."),
            },
            ["additionalProperties"] = false,
        };
    }

    private static JsonNode Described(JsonNode schema, string meaning)
    {
        schema["description"] = meaning;
        return schema;
    }

    private static JsonObject Entry(JsonObject further)
    {
        var properties = new JsonObject
        {
            ["id"] = new JsonObject { ["type"] = "string", ["description"] = "The part, as plugins name it." },
            ["settings"] = new JsonObject { ["type"] = "object", ["description"] = "The settings of the part." },
        };
        properties["sha256"] = new JsonObject
        {
            ["type"] = "string",
            ["pattern"] = "^[0-9a-fA-F]{64}$",
            ["description"] = "The SHA-256 of the plugin's folder, as 'leapalign pin' writes it; a run with another folder does not begin.",
        };
        foreach (var (name, schema) in further) properties[name] = schema?.DeepClone();
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray("id"),
            ["additionalProperties"] = false,
        };
    }
}
