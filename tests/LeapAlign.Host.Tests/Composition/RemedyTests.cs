using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Composition;

/// <summary>One fault says everything that a changed composition lacks, and its lines compose when they are pasted.</summary>
public sealed class RemedyTests : IDisposable
{
    private readonly PluginCatalog _catalog = PluginCatalog.Discover([Path.Combine(TestWorkspace.HostFolder, "plugins")], new IsolatedPluginLoader());

    // A direct gradient, a policy gradient on a reward without gradient, and pictures to learn from.
    public static TheoryData<string> Compositions => ["plugins.json", "examples/grpo-guard.json", "examples/sft.json"];

    public void Dispose() => _catalog.Unload();

    [Theory]
    [MemberData(nameof(Compositions))]
    public void Lines_to_paste_compose_from_every_composition_to_every_algorithm(string composition)
    {
        var file = Path.Combine(Repository.Root, composition);
        var algorithms = _catalog.Ids(PartKinds.Algorithm).ToArray();
        Assert.NotEmpty(algorithms);
        foreach (var algorithm in algorithms)
        {
            // What --set says and what is pasted behind it; the bare word drops settings of another algorithm.
            if (Compose(file, $"algorithm={algorithm}").TryGet(out var plan, out var fault))
            {
                Assert.Null(new FittingSizes(plan, grouped: false).Refusal);
                continue;
            }
            Assert.Equal(FaultCodes.RequirementNotMet, fault.Code);
            Assert.True(fault.Advice.Count > 0, $"{file} to {algorithm}: {fault}");
            var onCommandLine = Compose(file, [$"algorithm={algorithm}", .. Words(fault.Advice[0])]);
            Assert.Null(new FittingSizes(onCommandLine.Value(), grouped: false).Refusal);

            var root = JsonSource.Read(file).Value().Root;
            foreach (var line in fault.Advice.Where(static line => line.StartsWith("  ", StringComparison.Ordinal)))
            {
                foreach (var (key, value) in JsonSource.Parse("pasted", Encoding.UTF8.GetBytes($"{{{line}}}")).Value().Root) root[key] = value?.DeepClone();
            }
            var inFile = JsonSource.Parse(file, Encoding.UTF8.GetBytes(root.ToJsonString())).Bind(new Composer(_catalog).Compose).Value();
            Assert.Equal(onCommandLine.Value().ResolvedJson, inFile.ResolvedJson);
        }
    }

    [Fact]
    public void Everything_that_is_missing_is_in_one_sentence()
    {
        var fault = Compose(Path.Combine(Repository.Root, "plugins.json"), "algorithm=flow-grpo").Fault(
            FaultCodes.RequirementNotMet, "4 things", "'log-prob'", "'flow-sde'", "'cps'", "run.group", "run.reference", "accumulation");
        Assert.Equal(4, fault.ExitCode);
    }

    [Fact]
    public void What_only_the_user_knows_stands_in_capitals()
    {
        var fault = Compose(Path.Combine(Repository.Root, "plugins.json"), "algorithm=sft").Fault(FaultCodes.RequirementNotMet, "'pictures'", "'shapes'");
        Assert.Contains("FOLDER", fault.Advice[0], StringComparison.Ordinal);
        Assert.Contains("in the place of FOLDER", fault.Advice[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run.batch=1")]
    [InlineData("run.batch=3", "run.accumulation=3")]
    [InlineData("run.batch=5", "run.group=5")]
    public void Sizes_are_found_from_any_batch(params string[] sizes)
    {
        var file = Path.Combine(Repository.Root, "plugins.json");
        foreach (var algorithm in new[] { "flow-grpo", "dgpo", "nft", "dpo" })
        {
            var fault = Compose(file, [.. sizes, $"algorithm={algorithm}"]).Fault(FaultCodes.RequirementNotMet);
            Assert.Null(new FittingSizes(Compose(file, [.. sizes, $"algorithm={algorithm}", .. Words(fault.Advice[0])]).Value(), grouped: false).Refusal);
        }
    }

    [Theory]
    [InlineData("kl", "'reference-policy'", "run.reference=true")]
    [InlineData("flow-matching", "'pictures'", "FOLDER")]
    public void What_an_objective_requires_has_lines_that_mend_it(string id, string need, string line)
    {
        var file = Path.Combine(Repository.Root, "plugins.json");
        var fault = Compose(file, $"objectives=[\"{id}\"]").Fault(FaultCodes.RequirementNotMet, $"the objective '{id}' requires {need}");
        Assert.Contains(line, fault.Advice[0], StringComparison.Ordinal);
        Assert.Contains(fault.Advice, advice => advice == $"  \"objectives\": [\"{id}\"],");
        Assert.Equal(id, Compose(file, [$"objectives=[\"{id}\"]", .. Words(fault.Advice[0])]).Value().Objectives.Single().Part.Definition.Id);
    }

    [Theory]
    [InlineData("examples/sft.json", "sampler=flow-map", "the sampler 'flow-map' requires 'flow-map', which the model 'sd3' does not provide")]
    [InlineData("examples/sft.json", "algorithm=flow-map-psd", "the algorithm 'flow-map-psd' requires 'flow-map', which the model 'sd3' does not provide")]
    [InlineData("plugins.json", "algorithm={\"id\": \"leapalign\", \"settings\": {\"map\": \"steps\", \"mapKl\": 0}}", "the algorithm 'leapalign' requires 'flow-map'")]
    public void A_model_is_asked_for_a_flow_map_by_its_setting(string file, string change, string message)
    {
        var fault = Compose(Path.Combine(Repository.Root, file), change).Fault(FaultCodes.RequirementNotMet, message);
        Assert.Equal(["model.settings.flowMap=true"], Words(fault.Advice[0]));
        Compose(Path.Combine(Repository.Root, file), [change, .. Words(fault.Advice[0])]).Value();
    }

    [Theory]
    [InlineData("leapalign")]
    [InlineData("drtune")]
    [InlineData("flowbp-sparse")]
    [InlineData("reflow")]
    public void Whoever_decorates_the_velocity_of_a_path_is_refused_with_a_sampler_of_jumps(string algorithm) =>
        Compose(Path.Combine(Repository.Root, "plugins.json"), $"algorithm={algorithm}", "run.reference=true", "sampler=flow-map", "model.settings.flowMap=true")
            .Fault(FaultCodes.RequirementNotMet, $"the algorithm '{algorithm}' requires 'velocity-path', which the sampler 'flow-map' does not provide");

    [Theory]
    [InlineData("leapalign")]
    [InlineData("drtune")]
    [InlineData("flowbp-sparse")]
    public void Whoever_decorates_the_velocity_of_a_path_is_refused_with_a_sampler_that_looks_ahead(string algorithm) =>
        Compose(Path.Combine(Repository.Root, "plugins.json"), $"algorithm={algorithm}", "sampler=speculative")
            .Fault(FaultCodes.RequirementNotMet, $"the algorithm '{algorithm}' requires 'velocity-path', which the sampler 'speculative' does not provide");

    [Fact]
    public void Policy_gradients_are_refused_on_samples_that_are_the_teachers()
    {
        var example = Path.Combine(Repository.Root, "examples", "speculative.json");
        Compose(example).Value();
        Compose(example, "sampler.settings.drafter=model").Fault(FaultCodes.RequirementNotMet, "the algorithm 'flow-grpo' requires 'log-prob', which the sampler 'speculative' does not provide");
    }

    [Theory]
    [InlineData("teacher")]
    [InlineData("model")]
    public void A_drafter_or_a_target_that_is_not_there_is_asked_for(string drafter) =>
        Compose(Path.Combine(Repository.Root, "examples", "flow-grpo.json"), $"sampler={{\"id\": \"speculative\", \"settings\": {{\"drafter\": \"{drafter}\"}}}}")
            .Fault(FaultCodes.RequirementNotMet, "the sampler 'speculative' requires 'teacher'", "section teacher");

    [Fact]
    public void Drafts_without_noise_are_refused() =>
        Compose(Path.Combine(Repository.Root, "examples", "speculative.json"), "sampler.settings.noiseLevel=0").Fault(FaultCodes.OutOfRange, "noiseLevel");

    [Fact]
    public void A_teacher_that_is_asked_for_has_to_be_there() =>
        Compose(Path.Combine(Repository.Root, "examples", "flow-map-psd.json"), "algorithm.settings.teacher=model").Fault(FaultCodes.RequirementNotMet, "requires 'teacher'", "section teacher");

    [Fact]
    public void Where_no_part_fits_it_is_said()
    {
        var fault = TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=paired").Fault(FaultCodes.RequirementNotMet, "nor does any installed prompts");
        Assert.Empty(fault.Advice);
    }

    [Fact]
    public void A_reward_without_gradient_is_watched_where_another_trains()
    {
        var fault = TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[\"smooth\", \"flat\"]").Fault(FaultCodes.RequirementNotMet, "reward 'flat'");
        Assert.Equal(["rewards.1.role=heldOut"], Words(fault.Advice[0]));
    }

    private Result<RunPlan> Compose(string file, params string[] overrides) => ConfigurationFile.Read(file, overrides).Bind(new Composer(_catalog).Compose);

    // As a shell splits them: spaces outside of quotes.
    private static IEnumerable<string> Words(string line)
    {
        var words = new List<StringBuilder> { new() };
        var quoted = false;
        foreach (var letter in line[line.IndexOf("--set", StringComparison.Ordinal)..])
        {
            if (letter == '\'') quoted = !quoted;
            else if (letter == ' ' && !quoted) words.Add(new());
            else words[^1].Append(letter);
        }
        return words.Select(static word => word.ToString()).Where(static word => word != "--set");
    }
}
