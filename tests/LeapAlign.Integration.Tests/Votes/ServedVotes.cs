using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Live;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.PreferenceHuman;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests.Votes;

/// <summary>The reward with the host's own pages, and people who vote over HTTP.</summary>
internal sealed class ServedVotes : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-votes-");
    private readonly CancellationTokenSource _stop = new();
    private readonly StringWriter _told = new();
    private readonly PreferenceHumanReward _reward;

    public ServedVotes(PreferenceHumanSettings? settings = null)
    {
        People = new PeopleAwaited(_told, TimeProvider.System);
        _reward = Recording.Require(Create(settings ?? new PreferenceHumanSettings()));
    }

    public PeopleAwaited People { get; }

    public ConcurrentQueue<Fault> Warnings { get; } = new();

    /// <summary>Where votes are given, as the terminal says it.</summary>
    public string Address => Told[0].Split(' ')[^1];

    /// <summary>What the terminal says.</summary>
    public string[] Told => _told.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromSeconds(30) };

    public Result<PreferenceHumanReward> Create(PreferenceHumanSettings settings) => PreferenceHumanReward.Create(settings, new PartContext
    {
        Name = "people",
        BaseFolder = _folder.FullName,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = Warnings.Enqueue,
        Stop = _stop.Token,
        Pages = new LocalPages("people", _told, People, Warnings.Enqueue),
    });

    /// <summary>Scores rings of growing brightness on a thread of its own, and returns when the run waits for votes.</summary>
    public async Task<Task<float[]>> Begin(int pictures, string caption = "a red ring")
    {
        var scores = Task.Run(() =>
        {
            using var scope = NewDisposeScope();
            return _reward.Score(Rings(pictures), new Prompt(0, caption)).data<float>().ToArray();
        });
        while (!People.UnderWay)
        {
            if (scores.IsCompleted) await scores;
            await Task.Delay(5);
        }
        return scores;
    }

    public async Task<(HttpStatusCode Status, JsonNode? Said)> Post(string path, object body)
    {
        using var answer = await Client.PostAsJsonAsync(new Uri(Address + path), body);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync()));
    }

    public async Task<JsonNode> Next(string voter) => (await Post("next", new { voter })).Said!;

    /// <summary>Votes for the left one of every pair there is.</summary>
    public async Task VoteAll(string voter)
    {
        while ((await Next(voter))["pair"] is { } pair) Assert.Equal(HttpStatusCode.OK, (await Post("vote", new { voter, pair = (string)pair!, prefers = "left" })).Status);
    }

    /// <summary>Asks the run to stop.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>The run ends.</summary>
    public void End() => _reward.Dispose();

    public void Dispose()
    {
        _stop.Cancel();
        _reward.Dispose();
        Client.Dispose();
        _stop.Dispose();
        _told.Dispose();
        _folder.Delete(recursive: true);
    }

    private static Tensor Rings(int count)
    {
        const int size = 96;
        var line = linspace(-1, 1, size);
        var radius = (line.square().unsqueeze(0) + line.square().unsqueeze(1)).sqrt();
        return stack(Enumerable.Range(1, count).Select(picture =>
        {
            var ring = (radius - (0.25 + (0.5 * picture / count))).abs().lt(0.12).to(float32);
            return stack([(ring * 0.6) + 0.3, 0.85 - (ring * 0.7), 0.8 - (ring * 0.6)]);
        }));
    }
}
