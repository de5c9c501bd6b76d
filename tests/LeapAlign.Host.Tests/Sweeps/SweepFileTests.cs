using System.Text;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Sweeps;

/// <summary>sweep.json: which members there are, what they are called, and what is refused.</summary>
public sealed class SweepFileTests
{
    [Fact]
    public void The_members_are_the_product_of_the_axes_the_first_outermost_and_those_that_are_listed()
    {
        var sweep = Read("""
            {
              "name": "rates", "config": "base.json",
              "axes": { "run.seed": [0, 1], "algorithm": ["leapalign", { "id": "draft", "settings": { "lastSteps": 2 } }], "run.steps": [3] },
              "members": [ { "optimizer.settings.rate": 1e-5, "run.seed": 7 } ]
            }
            """).Value();
        Assert.Equal(("rates", Path.Combine("some", "base.json")), (sweep.Name, sweep.Config));
        Assert.Equal([0, 1, 2, 3, 4], sweep.Members.Select(static member => member.Number));
        // run.steps is in all but the last, which has it from plugins.json: so it differs.
        Assert.Equal(
            ["seed=0,algorithm=leapalign,steps=3", "seed=0,algorithm=draft,steps=3", "seed=1,algorithm=leapalign,steps=3", "seed=1,algorithm=draft,steps=3", "seed=7,rate=1E-05"],
            sweep.Members.Select(static member => member.Name));
        Assert.Equal(["run.seed=0", """algorithm={"id":"draft","settings":{"lastSteps":2}}""", "run.steps=3"], sweep.Members[1].Sets.Select(static set => set.Text));
        Assert.Equal(["optimizer.settings.rate=1E-05", "run.seed=7"], sweep.Members[4].Sets.Select(static set => set.Text));
        Assert.Equal(3, sweep.Members[1].Sets[0].Place.Line);
    }

    [Fact]
    public void A_text_becomes_the_value_that_set_makes_of_it()
    {
        var sweep = Read("""{ "axes": { "run.name2": ["a b", "1", 1, true, null, [1, "x"], { "a": 0.1 }, 1e-5, "é"] } }""").Value();
        foreach (var set in sweep.Members.Select(static member => member.Sets.Single()))
        {
            var source = Override.Apply(JsonSource.Parse("plugins.json", "{}"u8).Value(), set.Text).Value();
            Assert.True(System.Text.Json.Nodes.JsonNode.DeepEquals(set.Value, source.Root["run"]!["name2"]), set.Text);
        }
    }

    [Fact]
    public void What_is_excluded_is_left_out_of_the_product_and_numbers_have_no_gap()
    {
        var sweep = Read("""{ "axes": { "run.seed": [0, 1, 2], "algorithm": ["a", "b"] }, "exclude": [ { "algorithm": "b", "run.seed": 1 }, { "run.seed": 2 } ], "members": [ { "run.seed": 2 } ] }""").Value();
        Assert.Equal(["seed=0,algorithm=a", "seed=0,algorithm=b", "seed=1,algorithm=a", "seed=2"], sweep.Members.Select(static member => member.Name));
        Assert.Equal([0, 1, 2, 3], sweep.Members.Select(static member => member.Number));
    }

    [Theory]
    [InlineData("""{ "run.seed": [5] }""", "base")]
    [InlineData("""{ "run.seed": [5], "run.steps": [1, 2] }""", "steps=1", "steps=2")]
    [InlineData("""{ "model.settings.folder": ["a/b", "a b"] }""", "folder=a-b", "folder=a-b-2")]
    [InlineData("""{ "algorithm": ["Draft", "draft", { "id": "draft", "settings": {} }] }""", "algorithm=Draft", "algorithm=draft-2", "algorithm=draft-3")]
    [InlineData("""{ "algorithm.settings.alpha": [1, 2], "teacher.settings.alpha": [3] }""", "alpha=1", "alpha=2")]
    [InlineData("""{ "rewards": [ ["clip", { "id": "clip", "name": "judge" }], ["clip"] ] }""", "rewards=clip+judge", "rewards=clip")]
    [InlineData("""{ "run.size": [null, "", "8x8"] }""", "size=null", "size=empty", "size=8x8")]
    public void Names_are_made_of_what_differs(string axes, params string[] names) =>
        Assert.Equal(names, Read($$"""{ "axes": {{axes}} }""").Value().Members.Select(static member => member.Name));

    [Fact]
    public void Keys_with_the_same_end_are_told_apart()
    {
        var sweep = Read("""{ "axes": { "algorithm.settings.alpha": [1, 2], "teacher.settings.alpha": [3, 4] } }""").Value();
        Assert.Equal("algorithm.settings.alpha=1,teacher.settings.alpha=3", sweep.Members[0].Name);
    }

    [Fact]
    public void A_further_value_changes_no_name_and_long_names_are_cut_and_differ()
    {
        var few = Read("""{ "axes": { "run.seed": [0, 1], "algorithm": ["a", { "id": "a" }] } }""").Value();
        var more = Read("""{ "axes": { "run.seed": [0, 1, 2], "algorithm": ["a", { "id": "a" }, { "id": "a", "settings": {} }] } }""").Value();
        Assert.Subset(more.Members.Select(static member => member.Name).ToHashSet(), few.Members.Select(static member => member.Name).ToHashSet());
        // One long value leaves room for the others.
        var word = new string('x', 60);
        Assert.Equal($"k={word[..40]}", Read($$"""{ "axes": { "k": ["{{word}}", 1] } }""").Value().Members[0].Name);
        var keys = string.Join(", ", Enumerable.Range(0, 6).Select(static key => $"\"a.b.k{key}\": [\"{new string('x', 60)}\", \"{new string('y', 60)}\"]"));
        var names = Read($$"""{ "axes": { {{keys}} } }""").Value().Members.Select(static member => member.Name).ToList();
        Assert.Equal(64, names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(names, static name => Assert.InRange(name.Length, 1, 200));
    }

    [Theory]
    [InlineData("""{ "axes": {} }""", FaultCodes.BadSweep, "the sweep has no members")]
    [InlineData("""{ "axes": { "run.seed": [] } }""", FaultCodes.BadSweep, "sweep.json(1,13) axes.run.seed: the axis has no value")]
    [InlineData("""{ "axes": { "run.seed": 3 } }""", FaultCodes.WrongType, "axes.run.seed: a list of values was expected, not '3'")]
    [InlineData("""{ "axes": { "run.seed": [1, 2, 1] } }""", FaultCodes.Duplicate, "sweep.json(1,32) axes.run.seed[2]: the axis has the value '1' twice")]
    [InlineData("""{ "axes": { "run.seed": [1] }, "members": [ { "run.seed": 1 } ] }""", FaultCodes.Duplicate, "members 0 and 1 are the same: run.seed=1")]
    [InlineData("""{ "members": [ {}, {} ] }""", FaultCodes.Duplicate, "members 0 and 1 are the same: plugins.json as it is")]
    [InlineData("""{ "axis": { "run.seed": [1] } }""", FaultCodes.UnknownKey, "did you mean 'axes'?")]
    [InlineData("""{ "axes": [1] }""", FaultCodes.WrongType, "an object was expected")]
    [InlineData("""{ "members": [ 1 ] }""", FaultCodes.WrongType, "members[0]")]
    [InlineData("""{ "axes": { "run.name": ["a"] } }""", FaultCodes.BadSweep, "'run.name' cannot differ between members")]
    [InlineData("""{ "axes": { "run[folder]": ["a"] } }""", FaultCodes.BadSweep, "'run[folder]' cannot differ between members")]
    [InlineData("""{ "axes": { "a=b": ["a"] } }""", FaultCodes.BadSweep, "'a=b' is no path of a key")]
    [InlineData("""{ "axes": { "rewards[0].weight": [1], "rewards": ["clip"] } }""", FaultCodes.BadSweep, "'rewards' replaces what 'rewards[0].weight' has set before it")]
    [InlineData("""{ "axes": { "rewards[0].weight": [1], "rewards.0.weight": [2] } }""", FaultCodes.BadSweep, "'rewards.0.weight' replaces what 'rewards[0].weight' has set")]
    [InlineData("""{ "axes": { "run.seed": [1] }, "exclude": [ { "run.sed": 1 } ] }""", FaultCodes.UnknownKey, "'run.sed' is no axis of the sweep; did you mean 'run.seed'?")]
    [InlineData("""{ "axes": { "run.seed": [1] }, "exclude": [ { "run.seed": 2 } ] }""", FaultCodes.BadSweep, "exclude[0]: no member of the product has these values")]
    [InlineData("""{ "axes": { "run.seed": [1] }, "exclude": [ { "run.seed": 1 } ] }""", FaultCodes.BadSweep, "the sweep has no members")]
    [InlineData("""{ "name": "a/b", "axes": { "run.seed": [1] } }""", FaultCodes.UnknownValue, "'a/b'")]
    [InlineData("""{ "axes": { "run.seed": [1], "run.seed": [2] } }""", FaultCodes.Duplicate, "is there twice")]
    [InlineData("""{ "axes": """, FaultCodes.ConfigurationNotJson, "is not JSON")]
    public void What_makes_no_members_is_refused_with_its_place(string json, string code, string words) => Read(json).Fault(code, words);

    [Fact]
    public void A_product_that_nobody_means_is_refused_before_it_is_made()
    {
        var values = string.Join(',', Enumerable.Range(0, 200));
        Read($$"""{ "axes": { "a": [{{values}}], "b": [{{values}}], "c": [{{values}}] } }""").Fault(FaultCodes.BadSweep, "axes.b", "more than 10000 members");
    }

    [Fact]
    public void A_file_whose_name_is_no_folders_needs_a_name()
    {
        var source = JsonSource.Parse("my sweep.json", """{ "axes": { "run.seed": [1] } }"""u8).Value();
        SweepFile.Of(source).Fault(FaultCodes.BadSweep, "'my sweep' cannot be that of a folder");
        SweepFile.Read(Path.Combine(Path.GetTempPath(), "no-such-sweep.json")).Fault(FaultCodes.ConfigurationNotFound, "no-such-sweep.json");
    }

    private static Result<Sweep> Read(string json) => JsonSource.Parse(Path.Combine("some", "sweep.json"), Encoding.UTF8.GetBytes(json)).Bind(static source => SweepFile.Of(source));
}
