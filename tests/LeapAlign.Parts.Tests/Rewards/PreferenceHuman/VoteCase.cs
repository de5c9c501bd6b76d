using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.PreferenceHuman.Tests;

/// <summary>A folder of votes, a page without a network, and people who vote on it.</summary>
internal sealed class VoteCase : ILocalPages, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-votes-");
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _waits = new(0);
    private Func<PageRequest, PageAnswer>? _answer;

    public string Folder => Path.Combine(_folder.FullName, "votes");

    /// <summary>What the reward warned of.</summary>
    public ConcurrentQueue<Fault> Warnings { get; } = new();

    /// <summary>What the reward said that it waits for.</summary>
    public ConcurrentQueue<string> Awaited { get; } = new();

    /// <summary>The clock.</summary>
    public SetTime Time { get; } = new();

    public static PreferenceHumanSettings Settings { get; } = new();

    public PreferenceHumanReward Create(PreferenceHumanSettings settings) => PreferenceHumanReward.Create(settings, Context(), Time).Match(static made => made, static fault => throw new FaultException(fault));

    public PartContext Context() => new()
    {
        Name = "people",
        BaseFolder = _folder.FullName,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = Warnings.Enqueue,
        Stop = _stop.Token,
        Pages = this,
    };

    /// <summary>Asks the run to stop.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Waits until the run waits for votes.</summary>
    public Task Waits() => _waits.WaitAsync(TestContext.Current.CancellationToken);

    /// <summary>The scores of grey pictures, on a thread of its own.</summary>
    public static Task<float[]> Begin(PreferenceHumanReward reward, params int[] greys) => Task.Run(() => Score(reward, greys));

    public static float[] Score(PreferenceHumanReward reward, params int[] greys)
    {
        using var scope = NewDisposeScope();
        return reward.Score(Greys(greys), new Prompt(0, "a circle")).data<float>().ToArray();
    }

    /// <summary>Scores while somebody votes for the brighter picture as long as he is asked.</summary>
    public async Task<float[]> Voted(PreferenceHumanSettings settings, params int[] greys)
    {
        using var reward = Create(settings);
        var scores = Begin(reward, greys);
        await Waits();
        while (Vote("anna", Brighter) is not null)
        {
        }
        return await scores;
    }

    /// <summary>Pictures of one colour, of values from 0 to 255.</summary>
    public static Tensor Greys(params int[] greys) => stack(greys.Select(static grey => full([3, 4, 6], grey / 255f)));

    /// <summary>A request as it came through the gate.</summary>
    public (int Status, JsonNode Said) Post(string path, string body)
    {
        var answer = _answer!(new PageRequest(path, isPost: true, Encoding.UTF8.GetBytes(body)));
        return (answer.Status, JsonNode.Parse(answer.Body.Span)!);
    }

    public PageAnswer Get(string path) => _answer!(new PageRequest(path, isPost: false, default));

    public JsonNode Next(string voter) => Post("next", $$"""{ "voter": "{{voter}}" }""").Said;

    public (int Status, JsonNode Said) Vote(string voter, string pair, string prefers) => Post("vote", $$"""{ "voter": "{{voter}}", "pair": "{{pair}}", "prefers": "{{prefers}}" }""");

    public int Undo(string voter) => Post("undo", $$"""{ "voter": "{{voter}}" }""").Status;

    /// <summary>Votes on the next pair.</summary>
    /// <returns>The pair; null where there is none.</returns>
    public string? Vote(string voter, Func<JsonNode, string> choice)
    {
        var offer = Next(voter);
        if (offer["pair"] is not { } pair) return null;
        Assert.Equal(200, Vote(voter, (string)pair!, choice(offer)).Status);
        return (string)pair!;
    }

    /// <summary>The brighter of the two that a page shows.</summary>
    public static string Brighter(JsonNode offer) => Grey(offer, "left") > Grey(offer, "right") ? "left" : "right";

    /// <summary>The value of a picture of one colour.</summary>
    public static int Grey(JsonNode offer, string side)
    {
        const string start = "data:image/png;base64,";
        var picture = (string)offer[side]!;
        Assert.StartsWith(start, picture, StringComparison.Ordinal);
        using var image = SkiaSharp.SKBitmap.Decode(Convert.FromBase64String(picture[start.Length..]));
        Assert.Equal((6, 4), (image.Width, image.Height));
        return image.GetPixel(5, 3).Red;
    }

    public Result<ILocalPage> Serve(string purpose, int port, Func<PageRequest, PageAnswer> answer)
    {
        _answer = answer;
        return new Page(this);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    private sealed class Page(VoteCase votes) : ILocalPage
    {
        public string Address => "http://127.0.0.1:1/secret/";

        public IDisposable Await(string what)
        {
            votes.Awaited.Enqueue(what);
            votes._waits.Release();
            return new MemoryStream();
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>A clock that a test sets. Its one kind of timer goes off when it is moved beyond.</summary>
internal sealed class SetTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Alarm> _alarms = [];
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_gate) return _now;
    }

    public void Advance(double seconds)
    {
        List<Alarm> due;
        lock (_gate)
        {
            _now += TimeSpan.FromSeconds(seconds).Ticks;
            due = _alarms.FindAll(alarm => alarm.Due <= _now);
            _alarms.RemoveAll(due.Contains);
        }
        foreach (var alarm in due) alarm.Callback();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, () => callback(state));
        alarm.Change(dueTime, period);
        return alarm;
    }

    private sealed class Alarm(SetTime time, Action callback) : ITimer
    {
        public Action Callback => callback;

        public long Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                time._alarms.Remove(this);
                if (dueTime < TimeSpan.Zero) return true;
                Due = time._now + dueTime.Ticks;
                time._alarms.Add(this);
            }
            return true;
        }

        public void Dispose()
        {
            lock (time._gate) time._alarms.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
