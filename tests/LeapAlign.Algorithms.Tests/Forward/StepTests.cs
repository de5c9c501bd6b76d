using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.Forward.Awm;
using LeapAlign.Algorithms.Forward.Crd;
using LeapAlign.Algorithms.Forward.Dgpo;
using LeapAlign.Algorithms.Forward.Dpo;
using LeapAlign.Algorithms.Forward.Nft;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Algorithms.Forward.Sft;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

/// <summary>What all methods have in common: objectives one by one, updates, micro-batches, groups across them.</summary>
public sealed class StepTests
{
    public static TheoryData<string> Methods() => [.. Algorithms.Keys];

    private static Dictionary<string, Func<IAlgorithm>> Algorithms { get; } = new()
    {
        ["nft"] = static () => new NftAlgorithm(new NftSettings()),
        ["awm"] = static () => new AwmAlgorithm(new AwmSettings()),
        ["dpo"] = static () => new DpoAlgorithm(new DpoSettings { Timesteps = 4 }),
        ["dgpo"] = static () => new DgpoAlgorithm(new DgpoSettings()),
        ["crd"] = static () => new CrdAlgorithm(new CrdSettings()),
        ["sft"] = static () => new SftAlgorithm(new SftSettings { Timesteps = 3 }),
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void Objectives_are_made_one_by_one_and_add_up_to_one_for_each_update(string id)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        using var step = network.Step();
        List<Objective> objectives = [];
        foreach (var objective in Algorithms[id]().Step(step))
        {
            objectives.Add(objective);
            Assert.Equal(objectives.Count, network.Trainings.Count());
        }
        Assert.False(objectives[^1].EndsUpdate);
        Assert.Equal(id == "crd" ? 2 : 1, objectives.Count(static objective => objective.EndsUpdate) + 1);
        Assert.Equal(objectives.Count(static objective => objective.EndsUpdate) + 1, objectives.Sum(static objective => objective.Share), 1e-12);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Nothing_made_for_an_objective_is_needed_by_the_next(string id)
    {
        using var scope = NewDisposeScope();
        var (network, whole) = (Networks.Grouped(), Networks.Grouped());
        var expected = whole.Descend(Algorithms[id]()).A;
        using var step = network.Step();
        using var objectives = Algorithms[id]().Step(step).GetEnumerator();
        while (true)
        {
            using var inner = NewDisposeScope();
            if (!objectives.MoveNext()) break;
            (objectives.Current.Loss * objectives.Current.Share).backward();
            // As the host reads them: after backward, before the scope ends.
            Assert.All(objectives.Current.Measurements, static measured => Assert.False(measured.Value.requires_grad));
            Assert.All(objectives.Current.Measurements, static measured => Assert.False(measured.Value.IsInvalid));
        }
        Assert.Equal(expected, network.A.grad!.item<double>(), 1e-15);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void No_tensor_outlives_the_step(string id)
    {
        long Alive()
        {
            using var scope = NewDisposeScope();
            var network = Networks.Grouped();
            network.Descend(Algorithms[id]());
            scope.DisposeEverything();
            return TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        }
        var before = Alive();
        Assert.Equal(before, Alive());
    }

    [Fact]
    public void Methods_that_group_no_rewards_work_without_data()
    {
        using var scope = NewDisposeScope();
        var like = Networks.Grouped(batches: 1).Step().Batches[0];
        var weight = ones(1, device: META).requires_grad_();
        var services = new WithoutData(weight);
        var batch = new MicroBatch(services)
        {
            Prompts = [.. like.Prompts.Concat(like.Prompts).Take(8)],
            Noise = zeros(8, 4, 2, 2, device: META),
            Schedule = like.Schedule,
            Sampler = like.Sampler,
            Samples = [.. Enumerable.Range(0, 8)],
            Random = like.Random,
            StepKey = like.StepKey,
        };
        using var step = new AlignmentStep(services) { Index = 0, Batches = [batch], Random = like.Random };
        Assert.Equal(META.type, Assert.Single(new SftAlgorithm(new SftSettings()).Step(step)).Loss.device_type);
        Assert.Equal(META.type, Assert.Single(new DpoAlgorithm(new DpoSettings { Source = PairSource.Preferences }).Step(step)).Loss.device_type);
    }

    [Fact]
    public void Advantages_are_those_of_groups_over_all_micro_batches()
    {
        using var scope = NewDisposeScope();
        var settings = new NftSettings { Timesteps = 1 };
        double[] Advantages(int batches) =>
            [.. Networks.Grouped(batches).Descend(new NftAlgorithm(settings)).Objectives.SelectMany(static objective => Measured(objective, "advantage"))];
        Assert.Equal(Advantages(1), Advantages(8));
        Assert.Contains(Advantages(8), static advantage => Math.Abs(advantage) > 0.1);
    }

    [Fact]
    public void The_loss_of_a_step_does_not_depend_on_how_it_is_cut_where_samples_do_not_meet()
    {
        using var scope = NewDisposeScope();
        // At the old policy the loss of a sample depends on its draws; with noise and times shared by groups (dgpo) the cut changes nothing at all.
        double Loss(int batches) => Networks.Grouped(batches).Descend(new DgpoAlgorithm(new DgpoSettings { KlWeight = 0.3 })).Loss;
        Assert.Equal(Loss(1), Loss(2), 1e-12);
        Assert.Equal(Loss(1), Loss(4), 1e-12);
        Assert.NotEqual(0, Loss(1));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void A_sample_is_noised_alike_however_the_step_is_cut(int batches)
    {
        using var scope = NewDisposeScope();
        Tensor Noise(int cut, int time) => cat([.. Networks.Grouped(cut).Step().Batches.Select(batch => PointDraws.Own.Noise(new CleanSamples { Batch = batch, Latents = batch.Noise }, time))]);
        Assert.True(Noise(1, 2).equal(Noise(batches, 2)).all().item<bool>());
        Assert.False(Noise(1, 1).equal(Noise(1, 2)).any().item<bool>());
    }

    [Fact]
    public void The_sides_of_a_pair_have_one_noise()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        using var step = network.Step();
        foreach (var pairs in PreferencePairs.Of(step, CleanSamples.Roll(step, null, new DpoSettings()), static (_, _) => { }))
        {
            var sides = PointDraws.Own.Noise(pairs, 1).chunk(2, 0);
            Assert.True(sides[0].equal(sides[1]).all().item<bool>());
            Assert.False(sides[0][0].equal(sides[0][1]).any().item<bool>());
        }
    }

    [Fact]
    public void The_reward_of_every_sample_is_reported_once_for_each_time()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        var expected = network.Clean.SelectMany(static batch => batch).Select(PolicyNetwork.Reward).Order().ToArray();
        foreach (var (id, create) in Algorithms.Where(static pair => pair.Key != "sft"))
        {
            var reported = network.Descend(create()).Rewards.Order().ToArray();
            var times = reported.Length / expected.Length;
            Assert.All(reported.Chunk(times), (chunk, sample) => Assert.All(chunk, reward => Assert.Equal(expected[sample], reward, 1e-12)));
            Assert.True(times > 1, id);
        }
    }

    [Property(MaxTest = 300)]
    public bool Portions_of_updates_are_weighted_means_of_nearly_equal_length(PositiveInt length, PositiveInt number)
    {
        var (count, updates) = (1 + (length.Get % 60), 1 + (number.Get % 20));
        using var scope = NewDisposeScope();
        using var loss = zeros(1);
        double[] weights = [.. Enumerable.Range(0, count).Select(static index => 1.0 + (index % 3))];
        var portions = new Updates(weights, updates);
        Objective[] objectives = [.. portions.Descend(_ => new Objective(loss))];
        var runs = Enumerable.Range(0, count).GroupBy(portions.Of).ToList();
        return runs.Count == Math.Min(updates, count)
            && runs.Max(static run => run.Count()) - runs.Min(static run => run.Count()) <= 1
            && runs.All(run => Math.Abs(run.Sum(index => objectives[index].Share) - 1) < 1e-12)
            && runs.All(run => Math.Abs((objectives[run.First()].Share / weights[run.First()]) - (objectives[run.Last()].Share / weights[run.Last()])) < 1e-12)
            && Enumerable.Range(0, count).All(index => objectives[index].EndsUpdate == (index < count - 1 && portions.Of(index + 1) != portions.Of(index)));
    }

    [Fact]
    public void More_updates_than_losses_are_refused()
    {
        var shape = new RunShape(new Schedule([1, 0.8, 0.5, 0.2, 0]), 4, Accumulation: 2, Group: 2);
        Assert.True(new NftAlgorithm(new NftSettings { Updates = 6 }).Check(shape).IsOk);
        Assert.False(new NftAlgorithm(new NftSettings { Updates = 7 }).Check(shape).IsOk);
    }

    private static double[] Measured(Objective objective, string name) =>
        objective.Measurements.Single((Measurement measured) => measured.Name == name).Value.to(float64).data<double>().ToArray();

    /// <summary>Tensors that hold no values.</summary>
    private sealed class WithoutData(Tensor weight) : IStepServices
    {
        public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => latents * weight;

        public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

        public Tensor Pictures(MicroBatch batch, int number) => zeros(batch.Prompts.Count, 4, 2, 2, device: META);

        public IDisposable Use(string policy) => no_grad();

        public Tensor? Sampled(MicroBatch batch) => null;
    }
}
