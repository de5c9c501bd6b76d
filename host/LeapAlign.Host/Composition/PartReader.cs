using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>Reads the entries of plugins.json that name parts: <c>"id"</c>, or <c>{ "id": ..., "settings": ... }</c>.</summary>
internal sealed class PartReader(PluginCatalog catalog, JsonSource source)
{
    /// <summary>Reads an entry that is not a reward.</summary>
    /// <param name="kind">One of <see cref="PartKinds"/>.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="key">Its path.</param>
    public Result<PartPlan> Read(string kind, JsonNode? entry, string key) =>
        from id in NamedPart.ReadId(kind, key, entry, source)
        from part in Part(kind, id, entry, key)
        select part;

    /// <summary>Reads <c>rewards</c>.</summary>
    public Result<IReadOnlyList<RewardPlan>> ReadRewards(JsonArray entries)
    {
        var rewards = new List<RewardPlan>();
        for (var index = 0; index < entries.Count; index++)
        {
            if (!Reward(entries[index], JsonSource.Join("rewards", index)).TryGet(out var reward, out var fault)) return Result.Fail<IReadOnlyList<RewardPlan>>(fault);
            if (rewards.FirstOrDefault(other => other.Part.Name == reward.Part.Name) is { } other)
            {
                var message = $"two rewards are called '{reward.Part.Name}' (the other: {other.Part.Place}); give one another \"name\"";
                return new Fault.Configuration(FaultCodes.Duplicate, message, reward.Part.Place);
            }
            rewards.Add(reward);
        }
        return rewards.Exists(reward => reward.Role == RewardRole.Train)
            ? rewards
            : new Fault.Composition(FaultCodes.MissingPart, "every reward is heldOut: a run trains on at least one", source.Place("rewards"));
    }

    private Result<RewardPlan> Reward(JsonNode? entry, string key) =>
        from id in NamedPart.ReadId(PartKinds.Reward, key, entry, source)
        from part in Part(PartKinds.Reward, id, entry, key)
        let said = Said(entry)
        select new RewardPlan(part with { Name = said.Name ?? id }, said.Role == "train" ? RewardRole.Train : RewardRole.HeldOut, said.Weight)
        {
            Offset = said.Offset,
            Scale = said.Scale,
            ByTask = said.Average == "tasks",
        };

    private static RewardEntry Said(JsonNode? entry)
    {
        var said = entry is JsonObject keys ? keys.DeepClone().AsObject() : [];
        said.Remove("id");
        said.Remove("settings");
        said.Remove("sha256");
        return JsonSerializer.Deserialize(said, HostJson.Reward)!;
    }

    private Result<PartPlan> Part(string kind, string id, JsonNode? entry, string key)
    {
        var inObject = entry is JsonObject;
        var place = source.Place(inObject ? JsonSource.Join(key, "id") : key);
        var settings = (entry as JsonObject)?["settings"] ?? new JsonObject();
        var pin = (entry as JsonObject)?["sha256"]?.GetValue<string>();
        return
            from plugin in catalog.Find(kind, id, place)
            let definition = plugin.Part(kind, id)
            from read in Settings(plugin, definition, settings, JsonSource.Join(key, "settings"))
            select new PartPlan(definition, read, id, source.Place(key)) { Plugin = plugin, Pin = pin };
    }

    private Result<object> Settings(PluginHandle plugin, PartDefinition definition, JsonNode settings, string key) =>
        from schema in plugin.Guard($"describing the settings of '{definition.Id}'", () => Result.Ok(SettingsSchema.Of(definition.Settings)))
        from _ in SchemaCheck.First(settings, schema, key, source) is { } fault ? Result.Fail<Unit>(fault) : Unit.Value
        from read in plugin.Guard($"reading the settings of '{definition.Id}'", () => Deserialize(definition, settings, key))
        select read;

    private Result<object> Deserialize(PartDefinition definition, JsonNode settings, string key)
    {
        try
        {
            return Result.Ok(definition.ReadSettings(settings.ToJsonString()));
        }
        catch (JsonException refused)
        {
            // What a schema cannot say: an integer beyond its type, a converter's own rule.
            var at = refused.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? JsonSource.Join(key, path[2..]) : key;
            return new Fault.Configuration(FaultCodes.WrongType, $"the value does not fit: {FirstSentence(refused.Message)}", source.Place(at));
        }
    }

    private static string FirstSentence(string message) => message.Split(" Path:")[0].TrimEnd('.', ' ').ReplaceLineEndings(" ");
}
