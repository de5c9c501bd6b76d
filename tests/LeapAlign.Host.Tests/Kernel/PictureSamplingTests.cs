using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

/// <summary>What pictures are drawn from: whose noise, at which levels, under which captions, and who is shown what comes of it.</summary>
public sealed class PictureSamplingTests : IDisposable
{
    private static readonly RandomKey s_key = RandomKey.OfRun(3).For("pictures");
    private static readonly Prompt s_one = new(4, "one"), s_two = new(7, "two");

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly OpenStages _stages = new();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Every_picture_of_a_prompt_comes_before_those_of_the_next() =>
        Assert.Equal(["4 0", "4 1", "7 0", "7 1"], PictureRequest.All([s_one, s_two], 2).Select(static picture => $"{picture.Prompt.Id} {picture.Image}"));

    [Fact]
    public void The_noise_of_a_picture_is_its_prompts_and_its_numbers_whatever_it_is_drawn_with()
    {
        var model = new Recorded();
        PictureRequest[] batch = [.. PictureRequest.All([s_one, s_two], 2)];
        var together = Sampling(model).Draw(batch).Latents;
        for (var place = 0; place < batch.Length; place++)
        {
            // No velocity moves them: a sampler of this test adds what it is given, which is 0.
            var own = s_key.For("prompt", batch[place].Prompt.Id).For("image", batch[place].Image).Normal([1, 2, 2], CPU);
            Same(own, together[place]);
            Same(own, Sampling(model).Draw([batch[place]]).Latents[0]);
        }
        Assert.False(together[0].equal(together[1]).all().item<bool>());
    }

    [Fact]
    public void A_stochastic_sampler_adds_noise_of_each_step_and_otherwise_none()
    {
        PictureRequest[] batch = [new(s_one, 0), new(s_two, 1)];
        var sampler = new Steps();
        Sampling(new Recorded(), sampler).Draw(batch);
        Assert.Equal([null, null, null], sampler.Noise);
        Sampling(new Recorded(), sampler, stochastic: true).Draw(batch);
        for (var step = 0; step < 3; step++)
        {
            foreach (var (place, picture) in batch.Index())
                Same(s_key.For("prompt", picture.Prompt.Id).For("image", picture.Image).For("sampler", step).Normal([1, 2, 2], CPU), sampler.Noise[step]![place]);
        }
    }

    [Fact]
    public void The_network_is_asked_at_the_levels_of_the_schedule_with_captions_guidance_and_size_and_without_gradient()
    {
        var model = new Recorded();
        Sampling(model).Draw([new(s_one, 0), new(s_two, 0)]);
        Assert.Equal(["one two 3 24 x 16: 1 False", "one two 3 24 x 16: 0.75 False", "one two 3 24 x 16: 0.25 False"], model.Asked);
        // Two branches at each of three steps.
        Assert.Equal((6, 0), _stages.Ledger.Count);
    }

    [Fact]
    public void Jumps_go_from_a_level_to_the_next()
    {
        var model = new Recorded();
        List<int?> shown = [];
        Sampling(model, new Steps { Jumps = true }, shown: (_, step) => shown.Add(step)).Draw([new(s_one, 0)]);
        Assert.Equal(["one 3 24 x 16: 1 0.75 False", "one 3 24 x 16: 0.75 0.25 False", "one 3 24 x 16: 0.25 0 False"], model.Asked);
        Assert.Equal([0, 1, 2, null], shown);
    }

    [Fact]
    public void What_comes_of_each_step_and_of_decoding_is_shown()
    {
        List<(int? Step, string Shape)> shown = [];
        var (latents, pictures) = Sampling(new Recorded { Value = 0.5 }, shown: (values, step) => shown.Add((step, string.Join(' ', values.shape)))).Draw([new(s_one, 0)]);
        Assert.Equal([(0, "1 1 2 2"), (1, "1 1 2 2"), (2, "1 1 2 2"), (null, "1 3 2 2")], shown);
        // Latents are those that were decoded, and not the noise.
        Same(latents.expand(1, 3, 2, 2), pictures);
        Same(s_key.For("prompt", 4).For("image", 0).Normal([1, 2, 2], CPU) + 1.5, latents[0]);
    }

    [Fact]
    public void Samples_are_drawn_under_what_is_written_and_with_what_is_worn_and_the_writer_sees_captions_without_guidance()
    {
        var model = new Recorded();
        var writer = new Writer();
        var drawn = Sampling(model, writer: writer, adapter: model).Draw([new(s_one, 0), new(s_two, 0), new(s_one, 1)]).Latents;
        // Those that wear the same together; what is worn is a hundredth of its length in every step of this model.
        Assert.Equal(3, drawn.shape[0]);
        Assert.Equal(
            [
                "one! one! 3 24 x 16: 1 False ink", "two! 3 24 x 16: 1 False", "one! one! 3 24 x 16: 0.75 False ink", "two! 3 24 x 16: 0.75 False", "one! one! 3 24 x 16: 0.25 False ink",
                "two! 3 24 x 16: 0.25 False",
            ],
            model.Asked);
        Assert.Equal(["one two one 1", "one two one 1"], writer.Seen);
        var noise = PictureSampling.NoiseOf(s_key, [new(s_one, 0), new(s_two, 0), new(s_one, 1)], [1, 2, 2], CPU);
        foreach (var (place, worn) in new[] { 0.09, 0, 0.09 }.Index()) Assert.InRange((drawn[place] - noise[place] - worn).abs().max().item<float>(), 0, 1e-5f);
        // A group counts by its share of the batch.
        Assert.Equal(6, _stages.Ledger.Evaluations, 1e-12);
    }

    private PictureSampling Sampling(Recorded model, Steps? sampler = null, bool stochastic = false, Action<Tensor, int?>? shown = null, IConditioningSource? writer = null, IAttachedAdapter? adapter = null) =>
        new(model, sampler ?? new Steps(), new Guidance(3), _stages)
        {
            Schedule = new Schedule([1, 0.75, 0.25, 0]),
            Noise = s_key,
            Pictures = new PictureSpace(new ImageSize(24, 16), new LatentSpace([1, 2, 2], 4)),
            Device = CPU,
            Stochastic = stochastic,
            Shown = shown,
            Writer = writer,
            Adapter = adapter,
        };

    private static void Same(Tensor expected, Tensor actual) => Assert.True(expected.equal(actual).all().item<bool>(), $"{expected - actual}");

    private sealed class Writer : IConditioningSource
    {
        public List<string> Seen { get; } = [];

        public IReadOnlyList<string> Write(IReadOnlyList<string> captions, Tensor embeddings)
        {
            Seen.Add($"{string.Join(' ', captions)} {embeddings.item<float>()}");
            return [.. captions.Select(static caption => caption + "!")];
        }

        public IReadOnlyList<IReadOnlyList<string>> Wear(IReadOnlyList<string> captions, Tensor embeddings)
        {
            Seen.Add($"{string.Join(' ', captions)} {embeddings.item<float>()}");
            return [.. captions.Select(static caption => caption == "one" ? new[] { "ink" } : [])];
        }
    }

    /// <summary>Adds what the network says at each step, and remembers the noise that it was offered.</summary>
    private sealed class Steps : ISampler
    {
        public bool Jumps { get; init; }

        public List<Tensor?> Noise { get; } = [];

        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

        public Tensor Roll(Tensor latents, SamplingPath path)
        {
            Noise.Clear();
            for (var step = 0; step < path.Schedule.Steps; step++)
            {
                latents += Jumps ? path.Map!(latents, step, step + 1) : path.Velocity(latents, step);
                Noise.Add(path.Noise(step)?.clone().MoveToOuterDisposeScope());
            }
            return latents;
        }
    }
}
