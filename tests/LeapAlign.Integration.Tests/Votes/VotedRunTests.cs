using System.Net.Http.Json;
using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Live;

namespace LeapAlign.Integration.Tests.Votes;

/// <summary>A run of the built program that learns from votes given over HTTP.</summary>
public sealed class VotedRunTests
{
    [Fact]
    public async Task A_run_learns_from_votes_and_Ctrl_C_ends_its_wait_for_more()
    {
        using var workspace = new Workspace();
        workspace.Json["run"] = JsonNode.Parse("""{ "name": "voted", "steps": 5, "batch": 2, "accumulation": 2, "group": 2 }""");
        workspace.Json["sampler"] = JsonNode.Parse("""{ "id": "flow-sde", "settings": { "steps": 4, "noiseLevel": 0.7 } }""");
        workspace.Json["algorithm"] = JsonNode.Parse("""{ "id": "flow-grpo", "settings": { "klWeight": 0 } }""");
        workspace.Json["rewards"] = JsonNode.Parse("""[{ "id": "preference-human", "name": "people" }, { "id": "jpeg-size", "role": "heldOut" }]""");
        workspace.Json["evaluation"]!["every"] = -1;
        workspace.Json.Remove("sentinel");
        workspace.Save();
        using var run = StartedHost.Start(workspace, "run ", BuiltHost.Program, "train");
        run.ReadAlong();
        var address = (await run.Says("people: votes are given at ")).Split(' ')[^1];
        await run.Says($"people waits for 1 vote at {address}");
        using var client = new HttpClient();
        async Task<JsonNode> Post(string path, object body)
        {
            using var answer = await client.PostAsJsonAsync(new Uri(address + path), body);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        }
        for (var given = 0; given < 4;)
        {
            if ((await Post("next", new { voter = "anna" }))["pair"] is not { } pair) await Task.Delay(20);
            else if ((await Post("vote", new { voter = "anna", pair = (string)pair!, prefers = "left" }))["kept"] is not null) given++;
        }
        while ((await Post("next", new { voter = "anna" }))["pair"] is null) await Task.Delay(20);
        var outcome = await run.Interrupt();
        Assert.Equal(130, outcome.ExitCode);
        Assert.Equal(["people: votes are given at " + address, $"people waits for 1 vote at {address}", "stopping after this step; once more stops at once"], outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(4, Directory.GetFiles(workspace.At("votes")).Length);
        var steps = workspace.Lines("voted", "step");
        Assert.Equal(2, steps.Length);
        // One of each pair won.
        Assert.All(steps, static step => Assert.Equal(0.5, (double)step["rewards"]!["people"]!, 5));
        Assert.All(steps, static step => Assert.True((double)step["gradientNorm"]! > 0));
        Assert.NotEmpty(Directory.GetDirectories(workspace.At("runs", "voted", "checkpoints")));
        Assert.True(Directory.Exists(workspace.At("runs", "voted", "export")));
    }
}
