using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Plugins;
using LeapAlign.Testing;
using NJsonSchema;

namespace LeapAlign.Host.Tests.Configuration;

public sealed class SchemaTests
{
    [Fact]
    public void A_schema_says_types_ranges_words_meanings_and_defaults()
    {
        var catalog = PluginCatalog.Discover([TestWorkspace.BuiltPlugins], new IsolatedPluginLoader());
        JsonObject Of(string kind, string id) => SettingsSchema.Of(catalog.Find(kind, id, new("test")).Value().Part(kind, id).Settings);

        var euler = Of(PartKinds.Sampler, "euler");
        Assert.Equal("""{"type":"integer","minimum":1,"maximum":1000,"default":10}""", euler["properties"]!["steps"]!.ToJsonString());
        Assert.Equal("""{"type":"string","enum":["linear","cosine"],"default":"linear"}""", euler["properties"]!["schedule"]!.ToJsonString());
        Assert.Equal("""{"type":["number","null"],"minimum":0.1,"maximum":10,"default":3}""", euler["properties"]!["shift"]!.ToJsonString());
        Assert.False(euler["additionalProperties"]!.GetValue<bool>());

        var canvas = Of(PartKinds.Model, "canvas");
        Assert.Equal("""["folder"]""", canvas["required"]!.ToJsonString());
        Assert.Equal("""{"type":"string","description":"The folder of the model.","format":"folder"}""", canvas["properties"]!["folder"]!.ToJsonString());
        Assert.Equal(64, canvas["properties"]!["size"]!["default"]!.GetValue<int>());

        var policy = Of(PartKinds.Algorithm, "policy");
        Assert.Equal("""{"enum":["whole","half-way"],"default":"half-way"}""", policy["properties"]!["mode"]!.ToJsonString());
        Assert.Equal("""{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3,"default":[4]}""", policy["properties"]!["groups"]!.ToJsonString());

        var smooth = Of(PartKinds.Reward, "smooth");
        Assert.Equal(0.25, smooth["properties"]!["channels"]!["properties"]!["red"]!["default"]!.GetValue<double>());
        Assert.Equal("0", smooth["properties"]!["channels"]!["properties"]!["green"]!["exclusiveMinimum"]!.ToJsonString());
        Assert.False(smooth["properties"]!["channels"]!["additionalProperties"]!.GetValue<bool>());

        var descent = Of(PartKinds.Optimizer, "descent");
        Assert.Equal(0.125, descent["properties"]!["rate"]!["default"]!.GetValue<double>());
        Assert.Equal("1", descent["properties"]!["rate"]!["maximum"]!.ToJsonString());
        Assert.Null(descent["required"]);
    }

    [Fact]
    public void Every_setting_of_the_host_has_a_meaning_and_a_default()
    {
        foreach (var section in HostSection.All.Select(static section => SettingsSchema.Of(section.Type)).Concat([SettingsSchema.Of(HostJson.Reward), SettingsSchema.Of(HostJson.Objective), SettingsSchema.Of(HostJson.Entry)]))
        {
            foreach (var (name, property) in section["properties"]!.AsObject())
            {
                Assert.True(property!["description"] is not null, $"{name} has no description");
                Assert.True(property.AsObject().ContainsKey("default"), $"{name} has no default");
            }
        }
    }

    // A validator that knows the whole of JSON schema reads what an editor reads.
    [Fact]
    public async Task The_editors_schema_takes_what_is_right_and_refuses_what_is_wrong()
    {
        var catalog = PluginCatalog.Discover([TestWorkspace.BuiltPlugins], new IsolatedPluginLoader());
        foreach (var plugin in catalog.Plugins) PluginCatalog.Prepare(plugin);
        var schema = await JsonSchema.FromJsonAsync(EditorSchema.Of(catalog.Plugins).ToJsonString());

        Assert.Empty(schema.Validate(TestWorkspace.Valid));
        Assert.Empty(schema.Validate(TestWorkspace.Compose(TestWorkspace.Valid, "evaluation.prompts=lines").Value().ResolvedJson));
        (string Right, string Wrong)[] mistakes =
        [
            ("\"euler\"", "\"eular\""),
            ("\"euler\"", "{ \"id\": \"euler\", \"settings\": { \"stepz\": 3 } }"),
            ("\"euler\"", "{ \"id\": \"euler\", \"settings\": { \"steps\": 0 } }"),
            ("{ \"id\": \"canvas\", \"settings\": { \"folder\": \"m\" } }", "\"canvas\""),
            ("{ \"folder\": \"m\" }", "{ }"),
            ("[\"smooth\"]", "[]"),
            ("[\"smooth\"]", "[{ \"id\": \"smooth\", \"role\": \"held\" }]"),
            ("\"optimizer\": \"descent\"", "\"optimiser\": \"descent\""),
            ("\"sampler\"", "\"adapter\": \"fuller\", \"sampler\""),
            ("\"sampler\"", "\"objectives\": [{ \"id\": \"anchor\", \"role\": \"train\" }], \"sampler\""),
            ("\"sampler\"", "\"teacher\": \"euler\", \"sampler\""),
            ("\"sampler\"", "\"run\": { \"size\": \"512\" }, \"sampler\""),
        ];
        foreach (var (right, wrong) in mistakes)
        {
            Assert.Contains(right, TestWorkspace.Valid, StringComparison.Ordinal);
            Assert.True(schema.Validate(TestWorkspace.Valid.Replace(right, wrong, StringComparison.Ordinal)).Count > 0, $"{wrong} was taken");
        }
    }

    [Fact]
    public void The_committed_schema_is_that_of_the_bundled_plugins()
    {
        var catalog = PluginCatalog.Discover([Path.Combine(TestWorkspace.HostFolder, "plugins")], new IsolatedPluginLoader());
        Assert.NotEmpty(catalog.Plugins);
        foreach (var plugin in catalog.Plugins) PluginCatalog.Prepare(plugin).Value();
        var generated = ResolvedConfiguration.Text(EditorSchema.Of(catalog.Plugins));
        var committed = File.ReadAllText(Path.Combine(Repository.Root, EditorSchema.FileName));
        Assert.True(generated == committed, $"{EditorSchema.FileName} is not what the plugins' settings say; 'leapalign schema' writes it");
    }
}
