using System.Text.Json.Nodes;
using LeapAlign.Algorithms.Direct;
using LeapAlign.Algorithms.Grpo;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Influences;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Which prompts drive an update: gradients of prompts, what a curvature makes of them, and the verb.</summary>
public sealed class PromptInfluenceTests
{
    // Two micro-batches of four, of groups of three: 3 + 1, then 2 + 2 of which the first goes on with what was cut.
    [Fact]
    public void The_gradient_of_each_prompt_is_that_of_its_samples_alone()
    {
        using var scope = NewDisposeScope();
        List<int> sizes = [];
        using var run = new SteppedRun(
            // Two losses of half the share for each, one round after the other: prompts come back.
            (step, weight) => Enumerable.Range(0, 2).SelectMany(_ => step.Average(batch =>
            {
                sizes.Add(batch.Samples.Count);
                // A mean over samples, whose slope names each.
                return new Objective((weight.sum() * batch.Samples.Select(static sample => Math.Pow(2, sample)).Average()) + batch.Samples.Select(static sample => (double)sample).Average());
            }).Select(static objective => objective.Times(0.5))),
            static (_, _) => { },
            SteppedRun.Settings with { Batch = 4, Accumulation = 2, Group = 3 });
        var before = run.Weight.detach().clone();
        run.Weight.grad = full_like(before, 7);
        var found = run.Training.Optimizations.OfPrompts(0);
        Assert.Equal([3, 1, 2, 2, 3, 1, 2, 2, 4, 4, 4, 4], sizes);
        Assert.Equal([3, 3, 2], found.Prompts.Select(static prompt => prompt.Samples));
        var place = run.Parameters.ToList().FindIndex(parameter => ReferenceEquals(parameter.Value, run.Weight));
        double[][] samples = [[0, 1, 2], [3, 4, 5], [6, 7]];
        foreach (var (own, prompt) in samples.Zip(found.Prompts))
        {
            Assert.Equal(own.Sum(static sample => Math.Pow(2, sample)) / 8, prompt.Gradients[place]!.mean().item<float>(), 1e-4);
            Assert.Equal((own.Sum(sample => (before.sum().item<float>() * Math.Pow(2, sample)) + sample) / 8), prompt.Loss, 1e-3);
            Assert.All(prompt.Gradients.Where((_, other) => other != place), Assert.Null);
        }
        Assert.Equal(255 / 8.0, found.Gradients[place]!.mean().item<float>(), 1e-4);
        Assert.Equal(before.bytes.ToArray(), run.Weight.bytes.ToArray());
        Assert.Equal(7, run.Weight.grad!.mean().item<float>());
        Assert.Equal(3, found.Prompts.Select(static prompt => prompt.Prompt.Id).Distinct().Count());
    }

    // What micro-batches draw stays what the whole ones draw: steps k and j of leapalign, the window of others.
    [Theory]
    [InlineData("refl", 4, 1)]
    [InlineData("drtune", 2, 2)]
    [InlineData("leapalign", 3, 1)]
    public void The_gradients_of_prompts_add_up_to_that_of_the_step(string id, int batch, int group)
    {
        using var scope = NewDisposeScope();
        var plan = InProcessRun.Plan(SteppedRun.Settings with { Batch = batch, Group = group });
        if (id != "leapalign") plan = plan.With(new DirectPlugin().Parts.Single(part => part.Id == id));
        using var run = new SteppedRun(plan.With(new ScriptedOptimizer()));
        for (var step = 0; step < 2; step++)
        {
            var found = run.Training.Optimizations.OfPrompts(step);
            Assert.True(found.Prompts.Count > 1);
            Assert.Equal(2 * batch, found.Prompts.Sum(static prompt => prompt.Samples));
            var (apart, all) = (0.0, 0.0);
            foreach (var (whole, place) in found.Gradients.Select(static (whole, place) => (whole, place)).Where(static each => each.whole is not null))
            {
                var sum = found.Prompts.Select(prompt => prompt.Gradients[place]).OfType<Tensor>().Aggregate(static (sum, next) => sum + next);
                apart += (sum - whole!).square().sum().item<float>();
                all += whole!.square().sum().item<float>();
            }
            Assert.InRange(Math.Sqrt(apart / all), 0, 1e-3);
        }
    }

    [Fact]
    public void A_policy_gradient_of_one_update_is_told_by_prompts_too_and_one_of_several_is_not()
    {
        using var scope = NewDisposeScope();
        var definition = new GrpoPlugin().Parts.Single(static part => part.Id == "flow-grpo");
        var sampler = new FlowSdePlugin().Parts.Single(static part => part.Id == "flow-sde");
        foreach (var updates in new[] { 1, 2 })
        {
            var plan = InProcessRun.Plan(SteppedRun.Settings with { Batch = 4, Group = 4, Reference = true }).With(new ScriptedOptimizer());
            plan = plan with
            {
                Algorithm = plan.Algorithm with { Definition = definition, Settings = definition.ReadSettings($$"""{ "updates": {{updates}} }""") },
                Sampler = plan.Sampler with { Definition = sampler, Settings = sampler.ReadSettings("""{ "steps": 4 }""") },
            };
            using var run = new SteppedRun(plan);
            if (updates == 1)
            {
                Assert.Equal([4, 4], run.Training.Optimizations.OfPrompts(0).Prompts.Select(static prompt => prompt.Samples));
                continue;
            }
            var fault = Assert.Throws<FaultException>(() => run.Training.Optimizations.OfPrompts(0)).Fault;
            Assert.Equal(FaultCodes.NoInfluence, fault.Code);
            Assert.Contains("several updates in a step", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Gradients_are_those_where_the_optimizer_has_them_taken()
    {
        using var scope = NewDisposeScope();
        var probe = new Prober(static parameters => [.. parameters.Select(static parameter => parameter.Value.detach() + 1)]);
        using var run = new SteppedRun(static (step, weight) => step.Average(_ => new Objective(weight.square().sum() / 2)), probe, Capabilities.Probe);
        var before = run.Weight.detach().clone();
        var found = run.Training.Optimizations.OfPrompts(0);
        var place = run.Parameters.ToList().FindIndex(parameter => ReferenceEquals(parameter.Value, run.Weight));
        foreach (var gradient in new[] { found.Gradients[place]!, found.Prompts.Select(prompt => prompt.Gradients[place]!).Aggregate(static (sum, next) => sum + next) }) Agreement.Values(gradient, before + 1, "the gradient", 1e-5);
        Assert.Equal(before.bytes.ToArray(), run.Weight.bytes.ToArray());
    }

    [Fact]
    public void A_loss_of_nobody_is_refused()
    {
        using var run = new SteppedRun(static (_, weight) => [new Objective(weight.sum())], static (_, _) => { });
        var fault = Assert.Throws<FaultException>(() => run.Training.Optimizations.OfPrompts(0)).Fault;
        Assert.Equal(FaultCodes.NoInfluence, fault.Code);
        Assert.Contains("'scripted' does not say which micro-batch", fault.Message, StringComparison.Ordinal);
    }

    // F = diag(2, 4): F⁻¹ g is g over it, and everything can be done by hand.
    [Fact]
    public void Influence_is_a_product_in_the_inverse_of_the_curvature()
    {
        using var scope = NewDisposeScope();
        double[][] gradients = [[2, 0], [-1, 4], [0, 0]];
        var found = Recording.Require(PromptInfluence.Of(Step(gradients, [1, 4]), new Diagonal(2, 4)));
        double[][] products = [[2, -1, 0], [-1, 4.5, 0], [0, 0, 0]];
        foreach (var (expected, row) in products.Zip(found.Products)) Assert.All(expected.Zip(row), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.All(new[] { 1 / 4.5, 3.5 / 4.5, 0 }.Zip(found.Rows), static pair => Assert.Equal(pair.First, pair.Second.Drive, 1e-12));
        Assert.All(new[] { 1 / 3.0, 3.5 / 4.5, 0 }.Zip(found.Rows), static pair => Assert.Equal(pair.First, pair.Second.Agreement, 1e-12));
        Assert.Equal(0, found.Off, 1e-12);
        Assert.Equal(Math.Sqrt(2) / 5, Recording.Require(PromptInfluence.Of(Step(gradients, [0, 5]), new Diagonal(2, 4))).Off, 1e-12);
    }

    // By another way: what a step of a rate changes each loss by, with and without a prompt.
    [Fact]
    public void It_is_what_leaving_a_prompt_out_of_the_update_takes_from_the_losses()
    {
        using var scope = NewDisposeScope();
        const double rate = 1e-6;
        var at = tensor([0.3, -0.7]);
        Func<Tensor, Tensor>[] losses = [static w => (w[0] * 3).sin() + w[1], static w => (w * w).sum() * 2, static w => w[0] * w[1]];
        double[][] gradients = [.. losses.Select(loss =>
        {
            var point = at.detach().clone().requires_grad_();
            return autograd.grad([loss(point)], [point])[0].data<double>().ToArray();
        })];
        var (curvature, whole) = (new Diagonal(2, 0.5), gradients.Aggregate(static (sum, next) => [sum[0] + next[0], sum[1] + next[1]]));
        var found = Recording.Require(PromptInfluence.Of(Step(gradients, whole), curvature));
        double After(int loss, double[] gradient) => losses[loss](at - (tensor(gradient) / tensor([2, 0.5]) * rate)).item<double>();
        for (var left = 0; left < 3; left++)
        {
            double[] others = [whole[0] - gradients[left][0], whole[1] - gradients[left][1]];
            for (var loss = 0; loss < 3; loss++) Assert.Equal((After(loss, others) - After(loss, whole)) / rate, found.Products[loss][left], 5e-3);
            var all = Enumerable.Range(0, 3).Sum(loss => After(loss, others) - After(loss, whole));
            var gain = Enumerable.Range(0, 3).Sum(loss => losses[loss](at).item<double>() - After(loss, whole));
            Assert.Equal(all / gain, found.Rows[left].Drive, 1e-3);
        }
    }

    [Fact]
    public void Without_a_curvature_or_a_gradient_there_is_nothing_to_tell()
    {
        using var scope = NewDisposeScope();
        Assert.False(PromptInfluence.Of(Step([[1, 2]], [1, 2]), new Diagonal()).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.NoInfluence, fault.Code);
        Assert.False(PromptInfluence.Of(Step([[0, 0]], [0, 0]), new Diagonal(1, 1)).TryGet(out _, out fault));
        Assert.Contains("nothing that a prompt could have driven", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_optimization_gives_and_what_its_optimizer_provides_are_the_same()
    {
        var plan = InProcessRun.Plan(SteppedRun.Settings);
        Assert.Contains("without providing 'inverse-curvature'", Assert.Throws<FaultException>(() => new SteppedRun(plan.With(new Curved()))).Fault.Message, StringComparison.Ordinal);
        var said = plan.With(new ScriptedOptimizer());
        said = said with { Optimizer = said.Optimizer with { Definition = said.Optimizer.Definition.Providing(Capabilities.InverseCurvature) } };
        Assert.Contains("is no ICurvatureOptimization", Assert.Throws<FaultException>(() => new SteppedRun(said)).Fault.Message, StringComparison.Ordinal);
    }

    // The products add up to gᵀ F⁻¹ g, which the recorded cosine, norm and length say, too.
    [Fact]
    public void The_built_program_tells_it_of_a_step_of_a_run()
    {
        using var workspace = new Workspace();
        workspace.Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 3, ["batch"] = 3, ["accumulation"] = 2, ["threads"] = 1, ["dtype"] = "float32", ["clipNorm"] = 1e6 };
        workspace.Json["optimizer"] = new JsonObject { ["id"] = "mfac", ["settings"] = new JsonObject { ["rate"] = 1e-3, ["window"] = 2 } };
        workspace.Json["evaluation"]!["every"] = -1;
        workspace.Json["checkpoint"] = new JsonObject { ["every"] = 1, ["keep"] = 9 };
        workspace.Save();
        Succeed("train");
        var shown = Succeed("influence", "runs/small", "--step", "3", "--json", "influence.json", "--csv", "influence.csv");
        Assert.Contains("drive", shown, StringComparison.Ordinal);
        Assert.Contains("two blue squares", shown, StringComparison.Ordinal);
        var told = JsonNode.Parse(File.ReadAllText(workspace.At("influence.json")))!;
        var prompts = told["prompts"]!.AsArray();
        Assert.Equal(3, prompts.Count);
        Assert.Equal(6, prompts.Sum(static prompt => (int)prompt!["samples"]!));
        Assert.Equal(1, prompts.Sum(static prompt => (double)prompt!["drive"]!), 1e-9);
        Assert.InRange((double)told["off"]!, 0, 1e-3);
        var step = workspace.Lines("small", "step")[2];
        var measured = step["measurements"]!;
        var gain = (double)measured["mfac_cosine"]! * (double)step["gradientNorm"]! * (double)measured["mfac_length"]! / (double)step["rate"]!;
        Assert.Equal(1, prompts.Sum(static prompt => prompt!["gainFrom"]!.AsArray().Sum(static product => (double)product!)) / gain, 1e-3);
        Assert.Equal((double)step["loss"]!, prompts.Sum(static prompt => (double)prompt!["loss"]!), 1e-4);
        Assert.Equal(4, File.ReadAllLines(workspace.At("influence.csv")).Length);
        Assert.StartsWith("{", Succeed("influence", "runs/small", "--step", "2", "--json", "-"), StringComparison.Ordinal);
        // Its numbers are those of the run, or nothing is told.
        var metrics = workspace.At("runs", "small", "metrics.jsonl");
        File.WriteAllText(metrics, File.ReadAllText(metrics).Replace("\"loss\":", "\"loss\":1", StringComparison.Ordinal));
        var differs = workspace.Leapalign("influence", "runs/small", "--step", "3", "--json", "other.json");
        Assert.Equal(6, differs.ExitCode);
        Assert.Contains("LA5010", differs.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(workspace.At("other.json")));

        string Succeed(params string[] arguments)
        {
            var outcome = workspace.Leapalign(arguments);
            Assert.True(outcome.ExitCode == 0, outcome.Error);
            return outcome.Output;
        }
    }

    [Fact]
    public void An_optimizer_without_a_curvature_is_named()
    {
        using var workspace = new Workspace();
        workspace.Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 1, ["batch"] = 2, ["threads"] = 1 };
        workspace.Json["evaluation"]!["every"] = -1;
        workspace.Save();
        Assert.Equal(0, workspace.Leapalign("train").ExitCode);
        var outcome = workspace.Leapalign("influence", "runs/small", "--step", "1");
        Assert.Equal(4, outcome.ExitCode);
        Assert.Contains("LA3002", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("'adamw' does not provide 'inverse-curvature'; mfac does", outcome.Error, StringComparison.Ordinal);
    }

    private static PromptsOfStep Step(double[][] gradients, double[] whole) => new(
        [.. gradients.Select(static (gradient, id) => new PromptGradient(new Prompt(id, $"caption {id}"), 1, id, gradient.All(static each => each == 0) ? [null] : [tensor(gradient)]))],
        [tensor(whole)]);

    private sealed class Diagonal(params double[] curvature) : ICurvatureOptimization
    {
        public double Update(UpdateContext context) => 0;

        public IReadOnlyList<Tensor>? InverseCurvature(IReadOnlyList<Tensor?> vector) =>
            curvature.Length == 0 ? null : [(vector[0] ?? zeros(curvature.Length, dtype: float64)) / tensor(curvature)];

        public void Dispose()
        {
        }
    }

    private sealed class Curved : ScriptedOptimizer
    {
        public override IOptimization Begin(ParameterSet parameters, double? rate = null) => new Diagonal(1);
    }
}
