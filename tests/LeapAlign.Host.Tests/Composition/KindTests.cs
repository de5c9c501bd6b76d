using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Tests.Commands;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Composition;

/// <summary>The table of kinds: every section is read, checked, resolved, overridden, pinned and explained as its row says.</summary>
public sealed class KindTests
{
    private static readonly string[] s_everything =
    [
        "adapter={ \"id\": \"narrow\", \"settings\": { \"rank\": 8 } }", "teacher={ \"id\": \"canvas\", \"settings\": { \"folder\": \"t\" } }", "collective=alone", "evaluation.prompts=lines",
        "objectives=[\"anchor\", { \"id\": \"anchor\", \"name\": \"drift\", \"weight\": 0.25, \"settings\": { \"tint\": \"red\" } }]",
    ];

    // A part of the test plugin for each kind.
    private static readonly Dictionary<string, string> s_parts = new()
    {
        [PartKinds.Model] = "canvas",
        [PartKinds.Adapter] = "narrow",
        [PartKinds.Prompts] = "lines",
        [PartKinds.Sampler] = "euler",
        [PartKinds.Algorithm] = "free",
        [PartKinds.Reward] = "smooth",
        [PartKinds.Objective] = "anchor",
        [PartKinds.Optimizer] = "descent",
        [PartKinds.Collective] = "alone",
    };

    public static TheoryData<string> Sections => [.. PartKinds.Sections.Select(static section => section.Path)];

    [Fact]
    public void Each_kind_and_section_is_there_once_and_the_sections_of_a_kind_are_alike()
    {
        Assert.Equal(PartKinds.All.Distinct(), PartKinds.All);
        Assert.Equal(PartKinds.Sections.Select(static section => section.Path).Distinct(), PartKinds.Sections.Select(static section => section.Path));
        Assert.All(PartKinds.Table, static kind => Assert.Single(kind.Sections.Select(static section => section.IsList).Distinct()));
        Assert.All(PartKinds.Sections, static section => Assert.Equal(section.Path, section.Kind.Sections.Single(other => other.Path == section.Path).Path));
        // A default stands where a section may be absent.
        Assert.All(PartKinds.Sections.Where(static section => section.Default is not null), static section => Assert.False(section.IsRequired));
    }

    [Fact]
    public void A_plan_has_the_parts_of_every_section()
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, s_everything).Value();
        Assert.Equal("narrow", plan.Adapter!.Definition.Id);
        Assert.Equal(("canvas", "teacher"), (plan.Teacher!.Definition.Id, plan.Teacher.Place.Key));
        Assert.Contains("\"t\"", plan.Teacher.Definition.WriteSettings(plan.Teacher.Settings), StringComparison.Ordinal);
        Assert.Equal("alone", plan.Collective!.Definition.Id);
        Assert.Equal([("anchor", 1.0), ("drift", 0.25)], plan.Objectives.Select(static objective => (objective.Part.Name, objective.Weight)));
        Assert.Equal(["canvas", "canvas", "narrow", "lines", "lines", "euler", "direct", "smooth", "anchor", "anchor", "descent", "alone"], plan.Parts.Select(static part => part.Definition.Id));
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Absence_is_a_fault_where_the_row_says_so(string path)
    {
        var section = PartKinds.Section(path);
        var root = JsonNode.Parse(TestWorkspace.Valid)!.AsObject();
        if (section.Inside() is null) root.Remove(path);
        var composed = TestWorkspace.Compose(root.ToJsonString());
        if (!section.IsRequired) Assert.Empty(composed.Value().Sections.In(path));
        else composed.Fault(FaultCodes.MissingPart, $"the section '{path}' is absent", section.Kind.Name);
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Parts_of_another_kind_are_refused_by_name(string path)
    {
        var section = PartKinds.Section(path);
        var stranger = s_parts[PartKinds.All.First(kind => kind != section.Kind.Name)];
        TestWorkspace.Compose(TestWorkspace.Valid, $"{path}={(section.IsList ? $"[\"{stranger}\"]" : stranger)}").Fault(FaultCodes.UnknownPlugin, $"no plugin offers the {section.Kind} '{stranger}'");
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Settings_can_be_set_where_only_an_id_stands(string path)
    {
        var section = PartKinds.Section(path);
        var id = s_parts[section.Kind.Name];
        var entry = section.IsList ? $"{path}.{id}" : path;
        TestWorkspace.Compose(TestWorkspace.Valid, $"{path}={(section.IsList ? $"[\"{id}\"]" : id)}", $"{entry}.settings.stepz=3").Fault(FaultCodes.UnknownKey, "'stepz'", $"{(section.IsList ? $"{path}[0]" : path)}.settings");
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Every_entry_can_be_pinned(string path)
    {
        var section = PartKinds.Section(path);
        var root = JsonNode.Parse(TestWorkspace.Valid)!.AsObject();
        JsonNode entry = new JsonObject { ["id"] = s_parts[section.Kind.Name], ["sha256"] = new string('0', 64) };
        section.Set(root, section.IsList ? new JsonArray(entry) : entry);
        TestWorkspace.Compose(root.ToJsonString()).Fault(FaultCodes.PinMismatch, path, "is not the one that is pinned");
    }

    [Theory]
    [InlineData("\"full\"")]
    [InlineData("{ \"id\": \"full\" }")]
    [InlineData("{ \"id\": \"full\", \"settings\": {} }")]
    public void Full_is_the_adapter_of_the_program(string adapter)
    {
        var without = TestWorkspace.Compose(TestWorkspace.Valid).Value();
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, $"adapter={adapter}").Value();
        Assert.Null(plan.Adapter);
        Assert.Equal(without.ResolvedJson, plan.ResolvedJson);
        Assert.Equal("full", (string?)JsonNode.Parse(plan.ResolvedJson)!["adapter"]!["id"]);
        Assert.Empty(JsonNode.Parse(plan.ResolvedJson)!["objectives"]!.AsArray());
        Assert.DoesNotContain(NamedPart.In(JsonNode.Parse(plan.ResolvedJson)!.AsObject()), static part => part.Kind == PartKinds.Adapter);
    }

    [Theory]
    [InlineData("{ \"id\": \"full\", \"settings\": { \"rank\": 4 } }", FaultCodes.UnknownKey, "'rank'")]
    [InlineData("{ \"id\": \"full\", \"role\": \"train\" }", FaultCodes.UnknownKey, "'role'")]
    [InlineData("{ \"id\": \"full\", \"sha256\": \"0000000000000000000000000000000000000000000000000000000000000000\" }", FaultCodes.UnknownKey, "a part of the program")]
    [InlineData("ful", FaultCodes.UnknownPlugin, "did you mean 'full'?")]
    [InlineData("[\"full\"]", FaultCodes.WrongType, "the id of a part")]
    public void Full_has_no_settings_and_no_plugin(string adapter, string code, string words) => TestWorkspace.Compose(TestWorkspace.Valid, $"adapter={adapter}").Fault(code, "adapter", words);

    [Fact]
    public void No_plugin_takes_the_name_of_a_part_of_the_program()
    {
        using var workspace = new TestWorkspace();
        var manifest = Path.Combine(workspace.Drop("parts"), "plugin.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"narrow\"", "\"full\"", StringComparison.Ordinal));
        var fault = Assert.Single(workspace.Catalog().Plugins).Fault!;
        Assert.Equal(FaultCodes.BadManifest, fault.Code);
        Assert.Contains("the adapter 'full' is a part of the program", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("objectives=[\"anchor\", \"anchor\"]", FaultCodes.Duplicate, "two objectives are called 'anchor'")]
    [InlineData("objectives=[{ \"id\": \"anchor\", \"wieght\": 2 }]", FaultCodes.UnknownKey, "did you mean 'weight'?")]
    [InlineData("objectives=[{ \"id\": \"anchor\", \"weight\": \"much\" }]", FaultCodes.WrongType, "objectives[0].weight")]
    [InlineData("objectives=anchor", FaultCodes.WrongType, "a list was expected")]
    [InlineData("objective=anchor", FaultCodes.UnknownKey, "did you mean 'objectives'?")]
    public void Objectives_are_a_list_of_names_and_weights(string set, string code, string words) => TestWorkspace.Compose(TestWorkspace.Valid, set).Fault(code, words);

    [Fact]
    public void Composing_the_resolved_text_of_every_section_gives_the_same_text()
    {
        var first = TestWorkspace.Compose(TestWorkspace.Valid, s_everything).Value();
        Assert.Equal(first.ResolvedJson, TestWorkspace.Compose(first.ResolvedJson).Value().ResolvedJson);
        var resolved = JsonNode.Parse(first.ResolvedJson)!.AsObject();
        foreach (var section in PartKinds.Sections) Assert.NotEmpty(section.Entries(resolved));
        Assert.Equal(["id", "name", "weight", "settings"], resolved["objectives"]![1]!.AsObject().Select(static pair => pair.Key));
    }

    [Fact]
    public void A_run_from_before_a_kind_goes_on_unless_the_kind_is_used()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var plan = workspace.Compose().Value();
        var then = JsonNode.Parse(plan.ResolvedJson)!.AsObject();
        foreach (var section in PartKinds.Sections.Where(static section => !section.IsRequired && section.Inside() is null)) then.Remove(section.Path);
        then["run"]!.AsObject().Remove("size");
        var manifest = RunIdentity.Of(plan).Manifest(new(), DateTimeOffset.UnixEpoch) with { Configuration = then };
        Assert.Empty(RunIdentity.Of(plan).ChangesSince(manifest));
        var changed = RunIdentity.Of(workspace.Compose([.. s_everything, "run.size=64x64"]).Value()).ChangesSince(manifest).Select(static change => change.Key).ToList();
        foreach (var key in new[] { "run.size", "adapter", "teacher", "objectives", "collective", "evaluation.prompts" }) Assert.Contains(changed, change => change.StartsWith(key, StringComparison.Ordinal));
    }

    [Fact]
    public void A_capability_that_an_adapter_provides_is_mended_with_it()
    {
        var fault = TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=modest").Fault(FaultCodes.RequirementNotMet, "'few-weights'", "'narrow'");
        Assert.Contains("--set adapter=narrow", fault.Advice[0], StringComparison.Ordinal);
        Assert.Equal("narrow", TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=modest", "adapter=narrow").Value().Adapter!.Definition.Id);
    }

    [Fact]
    public void Verbs_know_every_kind_and_section()
    {
        foreach (var kind in PartKinds.Table)
        {
            var terminal = new TestTerminal();
            Assert.Equal(0, terminal.Run(TestWorkspace.BuiltPlugins, "list", "--kind", kind.Name));
            Assert.Contains(s_parts[kind.Name], terminal.Output, StringComparison.Ordinal);
            foreach (var section in kind.Sections.Where(static section => section.Default is not null)) Assert.Matches($"{section.Default} +{kind} ", terminal.Output);
            Assert.True(ConfigurationSchema.Structure["properties"]![kind.Sections[0].Path] is not null);
        }
        var own = new TestTerminal();
        Assert.Equal(0, own.Run(TestWorkspace.BuiltPlugins, "settings", "full"));
        Assert.Contains("adapter, a part of the program. All weights", own.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_are_what_parts_declare()
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid).Value();
        Assert.Equal([new PathSettings("folder", IsFolder: true)], PathSettings.Of(plan.Model.Definition));
        Assert.Equal([new PathSettings("path", IsFolder: false)], PathSettings.Of(plan.Prompts.Definition));
        Assert.Empty(plan.Rewards.SelectMany(static reward => PathSettings.Of(reward.Part.Definition)));
        Assert.Equal("m", ModelName.Of(plan.Model));
        Assert.Equal("lines", ModelName.Of(plan.Prompts));
    }

    [Fact]
    public void Another_model_folder_goes_to_the_setting_that_the_model_declares()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var source = new CompositionSource(workspace.Config, ["model.settings.size=16"], "generate") { ModelFolder = "/other" };
        // Not disposed: the catalog is shared.
        Result<RunPlan> Compose(CompositionSource of) => new Workspace(of, of.Read(), TestWorkspace.Shared, static _ => { }).Compose();
        var plan = Compose(source).Value();
        Assert.Equal("other", ModelName.Of(plan.Model));
        Assert.Contains("16", plan.Model.Definition.WriteSettings(plan.Model.Settings), StringComparison.Ordinal);
        Compose(source with { Set = ["model=canvass"] }).Fault(FaultCodes.UnknownPlugin, "did you mean 'canvas'?");
    }

    [Theory]
    [InlineData("512x512", 512, 512)]
    [InlineData("1024X768", 1024, 768)]
    public void A_size_is_width_and_height(string text, int width, int height)
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, $"run.size={text}").Value();
        Assert.Equal([new(width, height), new(width, height)], [plan.Size, plan.Drawn.Size]);
        Assert.Equal(new ImageSize(8, 16), TestWorkspace.Compose(TestWorkspace.Valid, $"run.size={text}", "evaluation.size=8x16").Value().Drawn.Size);
        Assert.Null(TestWorkspace.Compose(TestWorkspace.Valid).Value().Size);
    }

    [Theory]
    [InlineData("512")]
    [InlineData("0x512")]
    [InlineData("512 x 512")]
    [InlineData("512x512x3")]
    [InlineData("123456x8")]
    [InlineData("-8x8")]
    public void What_is_no_size_is_said_in_words(string text)
    {
        Assert.False(ImageSize.TryParse(text, out _));
        foreach (var key in new[] { "run.size", "evaluation.size" })
            TestWorkspace.Compose(TestWorkspace.Valid, $"{key}=\"{text}\"").Fault(FaultCodes.UnknownValue, key, $"'{text}' is not a width and a height in pixels, such as 512x512");
    }
}
