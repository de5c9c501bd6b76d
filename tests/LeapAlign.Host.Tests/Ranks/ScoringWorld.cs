using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Ranks;

/// <summary>Processes that train and processes that score, as threads, and rewards for them.</summary>
internal static class ScoringWorld
{
    /// <summary>What is asked about.</summary>
    public static IReadOnlyList<Prompt> Prompts { get; } = [new(3, "a \"red\" circle", """{"tag":"x"}""") { Task = "color", Pictures = ["/a.png"], Scores = [0.5] }, new(7, "two squares")];

    public static RewardPlan Plan(string name, Func<IReward> make, string placement = "scorer")
    {
        var definition = PartDefinition.TryOf<IReward, ExportSettings>(name, HostJson.Export, (_, _) => Result.Ok(make()));
        return new RewardPlan(new PartPlan(definition, new ExportSettings(), name, new SourcePlace("plugins.json", Key: "rewards[0]")), RewardRole.Train, 1) { Placement = placement };
    }

    public static RunScorers Scorers(IPeerCommunicator world, int trainers, int scorers) => new(world, new ProcessRoles(trainers, scorers));

    public static PartContext Context(PartPlan part) => new()
    {
        Name = part.Name,
        BaseFolder = "",
        Device = CPU,
        ComputeType = float32,
        Logger = NullLogger.Instance,
        Warn = static fault => Assert.Fail(fault.ToString()),
    };

    public static Result<IReadOnlyList<RunReward>> Made(RunScorers scorers, IReadOnlyList<RewardPlan> plans) => scorers.IsScorer
        ? new RewardMaking(plans, null, Context, []).OfScorer(scorers)
        : new RewardMaking(plans, null, Context, [], scorers.Elsewhere).All();

    public static T[] Run<T>(int trainers, int scorers, IReadOnlyList<RewardPlan> plans, Func<int, Dictionary<string, RunReward>, T> train, Action<Fault>? warned = null, IRankWarnings? warnings = null) =>
        [.. ThreadedRanks.Run(trainers + scorers, world =>
        {
            using var scope = NewDisposeScope();
            var own = Scorers(world, trainers, scorers);
            own.Warned = warned ?? (static _ => { });
            var rewards = own.Meet(Made(own, plans), static made => made).Value();
            if (own.IsScorer)
            {
                Assert.Null(new ScoringProcess(rewards, own.Messages, trainers, CPU, new OpenStages(), warnings).Serve().Match<Fault?>(static _ => null, static fault => fault));
                return default!;
            }
            var made = train(world.Rank, rewards.ToDictionary(static reward => reward.Name));
            own.End(null);
            return made;
        }).Take(trainers)];

    public static Fault? Served(int trainers, int scorers, IReadOnlyList<RewardPlan> plans, Func<int, Dictionary<string, RunReward>, Fault?> train) =>
        ThreadedRanks.Run(trainers + scorers, world =>
        {
            var own = Scorers(world, trainers, scorers);
            var rewards = own.Meet(Made(own, plans), static made => made).Value();
            if (own.IsScorer) return new ScoringProcess(rewards, own.Messages, trainers, CPU, new OpenStages(), null).Serve().Match<Fault?>(static _ => null, static fault => fault);
            own.End(train(world.Rank, rewards.ToDictionary(static reward => reward.Name)));
            return null;
        })[^1];

    public static Tensor Images(int trainer) => (arange(0, 2 * 3 * 4 * 5, dtype: float32).view(2, 3, 4, 5) * (0.001f * (trainer + 1))).requires_grad_();

    public static Tensor Ask(RunReward reward, Tensor images) => reward.Score(new ScoredSamples(Prompts) { Images = images }, images);

    internal sealed class Smooth : IDifferentiableReward
    {
        public Action<Tensor, IReadOnlyList<Prompt>>? Seen { get; init; }

        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
        {
            Seen?.Invoke(images, prompts);
            return (images.square() * images).flatten(1).sum(1);
        }
    }

    internal sealed class Contrast : IDifferentiableReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.flatten(1).mean([1L]) - images.mean();
    }

    internal sealed class Partial : IDifferentiableReward, IPartialReward, IBoundedReward
    {
        public ScoreRange Range => new(0, 5);

        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.flatten(1).mean([1L]) * tensor(new[] { float.NaN, 1 });
    }

    internal sealed class Kept : IReward, IStateful
    {
        public int StateVersion => 1;

        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => zeros(prompts.Count);

        public PartState Save() => new(1, []);

        public Result<Unit> Load(PartState state) => Unit.Value;
    }

    internal sealed class Told(Fault fault) : IRankWarnings
    {
        private bool _told;

        public IReadOnlyList<Fault> TakeNew()
        {
            if (_told) return [];
            _told = true;
            return [fault];
        }

        public void Hear(Fault fault)
        {
        }
    }

    internal sealed class Lone : IPeerCommunicator
    {
        public static Lone Instance { get; } = new();

        public string Description => "alone";

        public int Rank => 0;

        public int World => 1;

        public int LocalRank => 0;

        public int LocalWorld => 1;

        public IPeerCommunicator Split(int group) => this;

        public void Send(Tensor tensor, int to) => throw new NotSupportedException();

        public void Receive(Tensor tensor, int from) => throw new NotSupportedException();

        public bool HasMessage(int from) => false;

        public void Exchange(Tensor from, Tensor into) => OneProcess.Instance.Exchange(from, into);

        public void Gather(Tensor from, Tensor into) => OneProcess.Instance.Gather(from, into);

        public void Broadcast(Tensor tensor, int root)
        {
        }

        public void Abort(int exitCode)
        {
        }
    }
}
