using System.Text;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Searching;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Searching;

/// <summary>search.json: what is searched, what a trial sets, and what is refused.</summary>
public sealed class SearchFileTests
{
    [Fact]
    public void A_trial_sets_what_is_fixed_and_the_values_at_its_place()
    {
        var search = Read("""
            {
              "name": "look", "config": "base.json", "reward": "judge", "floors": { "accuracy": 0.5 }, "evaluation": "first", "trials": 12, "seed": 3,
              "settings": { "guidance.scale": { "from": 1, "to": 9, "start": 4.5 }, "sampler.settings.shift": { "from": 1, "to": 16, "scale": "log" } },
              "set": { "run.steps": 1 }
            }
            """).Value();
        Assert.Equal(("look", Path.Combine("some", "base.json"), "judge", true, 12, 3L), (search.Name, search.Config, search.Reward, search.AtStart, search.Form.Trials, search.Seed));
        Assert.Equal(0.5, search.Floors["accuracy"]);
        Assert.Equal([0.4375, 0.5], search.Start);
        Assert.Equal([0.0, 1], search.Form.Within([-0.2, 1.5]));
        var sweep = search.Of(new SearchTrial(7, [0.25, 0.75], SearchStep.Poll, 0.1));
        var member = sweep.Members.Single();
        Assert.Equal(("look", "trial-0007"), (sweep.Name, member.Name));
        Assert.Equal(["run.steps=1", "guidance.scale=3", "sampler.settings.shift=8"], member.Sets.Select(static set => set.Text));
        // Six digits, as a person writes them.
        Assert.Equal("guidance.scale=3.66667", search.Of(new SearchTrial(0, [1.0 / 3, 0], SearchStep.Poll, 0.1)).Members[0].Sets[1].Text);
    }

    [Theory]
    [InlineData("""{ "reward": "judge", "settings": {} }""", FaultCodes.BadSearch, "0 settings")]
    [InlineData("""{ "reward": "judge", "settings": { "a.b": { "from": 2, "to": 1 } } }""", FaultCodes.BadSearch, "from 2 to 1")]
    [InlineData("""{ "reward": "judge", "settings": { "a.b": { "from": 0, "to": 1, "scale": "log" } } }""", FaultCodes.BadSearch, "above 0")]
    [InlineData("""{ "reward": "judge", "settings": { "a.b": { "from": 0, "to": 1, "start": 2 } } }""", FaultCodes.BadSearch, "begins at 2")]
    [InlineData("""{ "reward": "judge", "settings": { "run.name": { "from": 0, "to": 1 } } }""", FaultCodes.BadSearch, "where each of its runs lies")]
    [InlineData("""{ "reward": "judge", "settings": { "rewards.a": { "from": 0, "to": 1 } }, "set": { "rewards.a.weight": 1 } }""", FaultCodes.BadSearch, "replaces what")]
    [InlineData("""{ "settings": { "a.b": { "from": 0, "to": 1 } } }""", FaultCodes.MissingKey, "reward")]
    [InlineData("""{ "reward": "judge", "settings": { "a.b": { "from": 0 } } }""", FaultCodes.MissingKey, "to")]
    [InlineData("""{ "reward": "judge", "settings": { "a.b": { "from": 0, "to": 1 } }, "trails": 3 }""", FaultCodes.UnknownKey, "trails")]
    [InlineData("""{ "reward": "judge", "settings": { "a.b": { "from": 0, "to": 1 } }, "trials": 0 }""", FaultCodes.OutOfRange, "trials")]
    public void What_cannot_be_searched_is_refused(string json, string code, string words) => Read(json).Fault(code, words);

    [Fact]
    public void A_file_whose_name_is_no_folders_needs_a_name()
    {
        static Result<SettingSearch> Named(string file, string more) => SearchFile.Of(JsonSource.Parse(file, System.Text.Encoding.UTF8.GetBytes($$"""{ "reward": "judge", "settings": { "a.b": { "from": 0, "to": 1 } }{{more}} }""")).Value());
        Named("my search.json", "").Fault(FaultCodes.BadSearch, "'my search' cannot be that of a folder");
        Assert.Equal("mine", Named("my search.json", ", \"name\": \"mine\"").Value().Name);
        Assert.Equal("shift", Named("shift.json", "").Value().Name);
    }

    [Fact]
    public void More_than_twenty_settings_are_too_many()
    {
        var settings = string.Join(", ", Enumerable.Range(0, 21).Select(static number => $$""" "a.k{{number}}": { "from": 0, "to": 1 } """));
        Read($$"""{ "reward": "judge", "settings": { {{settings}} } }""").Fault(FaultCodes.BadSearch, "21 settings", "1 to 20");
    }

    private static Result<SettingSearch> Read(string json) => JsonSource.Parse(Path.Combine("some", "search.json"), Encoding.UTF8.GetBytes(json)).Bind(static source => SearchFile.Of(source));
}
