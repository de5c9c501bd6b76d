using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;

namespace LeapAlign.Host.Composition;

/// <summary>plugins.json as a run understood it: nothing in it is left to a default.</summary>
internal static class ResolvedConfiguration
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly (string Key, JsonTypeInfo Type)[] s_sections =
    [
        ("run", HostJson.Run), ("guidance", HostJson.Guidance), ("evaluation", HostJson.Evaluation), ("checkpoint", HostJson.Checkpoint), ("guard", HostJson.Guard),
        ("sentinel", HostJson.Sentinel), ("export", HostJson.Export), ("telemetry", HostJson.Telemetry),
    ];

    /// <summary>Writes a plan; composing the text again gives the same plan.</summary>
    public static string Write(RunPlan plan, GuidanceSettings guidance)
    {
        var evaluation = JsonSerializer.SerializeToNode(plan.Evaluation, HostJson.Evaluation)!.AsObject();
        if (plan.EvaluationPrompts is { } prompts) evaluation["prompts"] = Part(prompts);
        return Text(new JsonObject
        {
            ["run"] = JsonSerializer.SerializeToNode(plan.Run, HostJson.Run),
            ["model"] = Part(plan.Model),
            ["prompts"] = Part(plan.Prompts),
            ["guidance"] = JsonSerializer.SerializeToNode(guidance, HostJson.Guidance),
            ["sampler"] = Part(plan.Sampler),
            ["algorithm"] = Part(plan.Algorithm),
            ["rewards"] = new JsonArray([.. plan.Rewards.Select(Reward)]),
            ["optimizer"] = Part(plan.Optimizer),
            ["evaluation"] = evaluation,
            ["checkpoint"] = JsonSerializer.SerializeToNode(plan.Checkpoint, HostJson.Checkpoint),
            ["guard"] = JsonSerializer.SerializeToNode(plan.Guard, HostJson.Guard),
            ["sentinel"] = JsonSerializer.SerializeToNode(plan.Sentinel, HostJson.Sentinel),
            ["export"] = JsonSerializer.SerializeToNode(plan.Export, HostJson.Export),
            ["telemetry"] = JsonSerializer.SerializeToNode(plan.Telemetry, HostJson.Telemetry),
        });
    }

    /// <summary>What an older version wrote, with the defaults of keys that it did not know: such a key is no change. What does not fit stays as it is.</summary>
    /// <param name="written">The configuration.</param>
    /// <param name="plan">Its parts, as far as they have the same ids, say what their settings are.</param>
    public static JsonObject WithDefaults(JsonObject written, RunPlan plan)
    {
        var whole = written.DeepClone().AsObject();
        foreach (var (key, type) in s_sections) Complete(whole[key] ??= new JsonObject(), type);
        List<(JsonNode?, PartPlan?)> parts =
        [
            (whole["model"], plan.Model),
            (whole["prompts"], plan.Prompts),
            ((whole["evaluation"] as JsonObject)?["prompts"], plan.EvaluationPrompts),
            (whole["sampler"], plan.Sampler),
            (whole["algorithm"], plan.Algorithm),
            (whole["optimizer"], plan.Optimizer),
            .. (whole["rewards"] as JsonArray ?? []).Select(entry => (entry, plan.Rewards.FirstOrDefault(reward => reward.Part.Name == Word(entry, "name"))?.Part)),
        ];
        foreach (var (entry, part) in parts)
        {
            if (part is not null && Word(entry, "id") == part.Definition.Id) Complete(entry!["settings"], part.Definition.Settings);
        }
        return whole;
    }

    private static string? Word(JsonNode? entry, string key) => (entry as JsonObject)?[key] is JsonValue value && value.TryGetValue(out string? word) ? word : null;

    private static void Complete(JsonNode? section, JsonTypeInfo type)
    {
        if (section is not JsonObject known) return;
        try
        {
            var read = known.DeepClone().AsObject();
            // Parts inside a section have types of their own.
            read.Remove("prompts");
            foreach (var (key, value) in JsonSerializer.SerializeToNode(JsonSerializer.Deserialize(read, type), type)!.AsObject())
            {
                if (!known.ContainsKey(key)) known[key] = value?.DeepClone();
            }
        }
        catch (JsonException)
        {
            // Written for other keys: all that differs is told.
        }
    }

    /// <summary>Indented JSON with line feeds, whatever the platform.</summary>
    public static string Text(JsonNode node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, s_options)) node.WriteTo(writer);
        buffer.WriteByte((byte)'\n');
        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static JsonObject Part(PartPlan part)
    {
        var entry = new JsonObject { ["id"] = part.Definition.Id };
        if (part.Pin is { } pin) entry["sha256"] = pin;
        entry["settings"] = JsonNode.Parse(part.Definition.WriteSettings(part.Settings));
        return entry;
    }

    private static JsonNode Reward(RewardPlan reward)
    {
        var entry = Part(reward.Part);
        entry.Insert(1, "name", reward.Part.Name);
        entry.Insert(2, "role", reward.Role == RewardRole.Train ? "train" : "heldOut");
        entry.Insert(3, "weight", reward.Weight);
        entry.Insert(4, "offset", reward.Offset);
        entry.Insert(5, "scale", reward.Scale);
        entry.Insert(6, "average", reward.ByTask ? "tasks" : "pictures");
        return entry;
    }
}
