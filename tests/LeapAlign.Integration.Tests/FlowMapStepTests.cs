using LeapAlign.Algorithms.FewSteps;
using LeapAlign.Algorithms.FewSteps.Maps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Models.Sd3;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>What a host hands to a step and to a picture where the model is a flow map.</summary>
public sealed class FlowMapStepTests
{
    private static readonly (double From, double To)[] s_times = [(0.9, 0.4), (0.5, 0)];

    [Fact]
    public void A_step_has_jumps_with_guidance_and_without_and_a_teacher()
    {
        using var scope = NewDisposeScope();
        var asked = 0;
        using var run = Run(
            (parts, step) =>
            {
                var batch = step.Batches[0];
                using var still = no_grad();
                var map = (IFlowMapModel)parts.Model;
                Tensor Of(Guidance guidance) => With(map, batch, guidance, captions => map.MeanVelocity(batch.Noise, [0.9, 0.5], [0.4, 0], captions));
                Same(Of(new Guidance(3)), batch.Map(batch.Noise, s_times));
                Same(Of(Guidance.None), batch.ConditionalMap(batch.Noise, s_times));
                Assert.False(Of(new Guidance(3)).equal(Of(Guidance.None)).all().item<bool>());
                Same(With(parts.Teacher!, batch, new Guidance(3), captions => parts.Teacher!.Velocity(batch.Noise, [0.9, 0.5], captions)), batch.Taught(batch.Noise, [0.9, 0.5]));
                Same(batch.Map(batch.Noise, [(1, 0.5)]), batch.Path.Map!(batch.Noise, 0, 2));
                Same(batch.ConditionalMap(batch.Noise, [(1, 0.5)]), batch.ConditionalPath.Map!(batch.Noise, 0, 2));
                using (enable_grad()) Assert.False(batch.Taught(batch.Noise, [0.9]).requires_grad);
                asked++;
            },
            taught: true);
        run.Step();
        Assert.Equal(1, asked);
    }

    [Fact]
    public void A_model_that_is_none_says_so()
    {
        using var scope = NewDisposeScope();
        using var run = Run(
            static (_, step) =>
            {
                Assert.Contains("flow-map", Assert.Throws<NotSupportedException>(() => step.Batches[0].Map(step.Batches[0].Noise, s_times)).Message, StringComparison.Ordinal);
                Assert.Contains("teacher", Assert.Throws<NotSupportedException>(() => step.Batches[0].Taught(step.Batches[0].Noise, [0.9])).Message, StringComparison.Ordinal);
            },
            isMap: false);
        run.Step();
    }

    [Fact]
    public void States_on_the_way_of_jumps_are_kept_for_objectives()
    {
        using var scope = NewDisposeScope();
        var watcher = new Watcher();
        using var run = Run(
            static (_, step) =>
            {
                using var still = no_grad();
                var batch = step.Batches[0];
                batch.Sampler.Roll(batch.Noise, batch.Path).Dispose();
                Same(batch.Noise + (-0.25 * batch.Map(batch.Noise, [(1, 0.75)])), step.Sampled(batch, 1)!);
            },
            objective: watcher);
        run.Step();
        Assert.True(watcher.Asked > 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_picture_is_drawn_by_jumps_along_the_grid(int steps)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var run = Run(static (_, _) => { });
        var map = (IFlowMapModel)run.Parts.Model;
        var sampler = run.Parts.Sampler;
        var pictures = Recording.Require(PictureSpace.Of(map, map.NativeSize));
        var schedule = sampler.CreateSchedule(map.Scheduling.For(pictures.Latents), steps);
        var drawing = new PictureSampling(map, sampler, Guidance.None, new OpenStages()) { Schedule = schedule, Noise = RandomKey.OfRun(4), Pictures = pictures, Device = CPU };
        PictureRequest[] wanted = [new(new Prompt(0, "a red circle"), 0)];
        var latents = drawing.Draw(wanted).Latents;
        var expected = PictureSampling.NoiseOf(RandomKey.OfRun(4), wanted, pictures.Latents.Shape, CPU);
        using var captions = map.Encode(new ConditioningRequest(["a red circle"], Guidance.None, map.NativeSize));
        for (var step = 0; step < steps; step++)
        {
            var (from, to) = (schedule.Sigma(step), schedule.Sigma(step + 1));
            expected = RectifiedFlow.Leap(expected, map.MeanVelocity(expected, [from], [to], captions), to - from);
        }
        Same(expected, latents);
    }

    private static SteppedRun Run(Action<RunParts, AlignmentStep> look, bool isMap = true, bool taught = false, IObjective? objective = null)
    {
        SteppedRun? run = null;
        var plan = InProcessRun.Plan(SteppedRun.Settings with { Accumulation = 1 }) with
        {
            Model = InProcessRun.Part(new Sd3Plugin(), new Sd3Settings { Folder = "models/tiny-sd3", EmbeddingCache = 0, FlowMap = isMap }),
            Guidance = new Guidance(3),
        };
        if (isMap)
        {
            // An even grid of four.
            var sampler = new FewStepsPlugin().Parts.Single(static part => part.Kind == Contracts.Plugins.PartKinds.Sampler);
            plan = plan with { Sampler = new PartPlan(sampler, new FlowMapSamplerSettings { Shift = 1 }, "flow-map", new SourcePlace("test")) };
        }
        if (taught) plan = plan with { Teacher = InProcessRun.Part(new Sd3Plugin(), new Sd3Settings { Folder = "models/tiny-sd3", EmbeddingCache = 0 }) };
        if (objective is not null) plan = plan.With(("watched", 1e-3, objective));
        run = new SteppedRun(plan.With(ScriptedRun.Algorithm(
            step =>
            {
                look(run!.Parts, step);
                return [new Objective(run.Weight.square().sum())];
            },
            [])));
        using var still = no_grad();
        foreach (var parameter in run.Parameters.Where(static parameter => parameter.Name.StartsWith("gap_embedder", StringComparison.Ordinal))) parameter.Value.add_(RandomKey.OfRun(3).For(parameter.Name).Normal([.. parameter.Value.shape], CPU), 0.1);
        run.Parts.Trained.Refresh();
        return run;
    }

    private static Tensor With(IModel model, MicroBatch batch, Guidance guidance, Func<Conditioning, Tensor> evaluate)
    {
        using var captions = model.Encode(new ConditioningRequest([.. batch.Prompts.Select(static prompt => prompt.Text)], guidance, model.NativeSize));
        return evaluate(captions);
    }

    private static void Same(Tensor expected, Tensor actual) => Assert.True(expected.allclose(actual, 1e-5, 1e-6), $"differ by {(expected - actual).abs().max().item<float>()}");

    private sealed class Watcher : IPathObjective
    {
        public int Asked { get; private set; }

        public IReadOnlyList<int> States(MicroBatch batch) => [1];

        public Objective Of(AlignmentStep step, MicroBatch batch, int update)
        {
            Asked++;
            Assert.NotNull(step.Sampled(batch, 1));
            return new Objective(zeros(1).requires_grad_().sum());
        }
    }
}
