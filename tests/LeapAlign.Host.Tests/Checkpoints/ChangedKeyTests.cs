using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;

namespace LeapAlign.Host.Tests.Checkpoints;

public sealed class ChangedKeyTests
{
    [Theory]
    [InlineData("""{"a":{"b":1,"c":[1,2]}}""", """{"a":{"c":[1,2],"b":1.0}}""", "")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{"b":2}}""", "a.b (1 then, 2 now)")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{}}""", "a.b (1 then, absent now)")]
    [InlineData("""{"a":[1,2]}""", """{"a":[2,1]}""", "a ([1,2] then, [2,1] now)")]
    [InlineData("""{"r":[{"name":"x","w":1},{"name":"y"}]}""", """{"r":[{"name":"y"},{"name":"x","w":3}]}""", "r.x.w (1 then, 3 now)")]
    [InlineData("""{"r":[{"name":"x"}]}""", """{"r":[{"name":"x"},{"name":"z"}]}""", "r.z (absent then, {\"name\":\"z\"} now)")]
    public void Names_every_key_that_differs(string before, string now, string expected) =>
        Assert.Equal(expected, string.Join("; ", ChangedKey.Between(JsonNode.Parse(before), JsonNode.Parse(now))));

    [Theory]
    [InlineData("run.steps", true)]
    [InlineData("run", true)]
    [InlineData("run.step", false)]
    [InlineData("run.steps.more", false)]
    public void A_named_key_covers_itself_and_those_below(string named, bool covers) => Assert.Equal(covers, new ChangedKey("run.steps", "1", "2").IsWithin(named));
}
