using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Composition;

public sealed class RequirementsTests
{
    [Fact]
    public void A_trained_reward_without_gradient_is_named_with_the_algorithm()
    {
        var fault = TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[\"smooth\", { \"id\": \"flat\", \"name\": \"colour\" }]").Fault(
            FaultCodes.RequirementNotMet, "algorithm 'direct'", "'differentiable-reward'", "reward 'colour' (flat)");
        Assert.Equal(4, fault.ExitCode);
    }

    [Theory]
    [InlineData("rewards=[\"smooth\"]", true)]
    [InlineData("rewards=[\"smooth\", { \"id\": \"flat\", \"role\": \"heldOut\" }]", false)]
    [InlineData("rewards=[\"smooth\", { \"id\": \"smooth\", \"name\": \"more\" }]", false)]
    public void One_reward_with_none_held_out_is_a_warning_that_names_another(string rewards, bool alone)
    {
        var warning = TestWorkspace.Compose(TestWorkspace.Valid, rewards).Value().LoneReward;
        Assert.Equal(alone ? FaultCodes.LoneReward : null, warning?.Code);
        if (!alone) return;
        Assert.Contains("'smooth' is the only reward", warning!.Message, StringComparison.Ordinal);
        Assert.Matches("installed are .*flat", warning.Message);
        Assert.DoesNotMatch("installed are .*smooth", warning.Message);
    }

    [Fact]
    public void A_reward_of_latents_needs_a_model_that_shows_its_features() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[\"deep\"]").Fault(FaultCodes.RequirementNotMet, "reward 'deep' requires 'features'", "model 'canvas' does not provide");

    [Fact]
    public void A_held_out_reward_needs_no_gradient() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[\"smooth\", { \"id\": \"flat\", \"role\": \"heldOut\" }]").Value();

    [Fact]
    public void An_algorithm_that_requires_nothing_takes_any_reward() => TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=free", "rewards=[\"flat\"]").Value();

    [Fact]
    public void What_the_sampler_lacks_is_said_of_the_sampler() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=policy").Fault(FaultCodes.RequirementNotMet, "algorithm 'policy'", "'log-prob'", "sampler 'euler'");

    [Fact]
    public void Another_sampler_provides_it() => TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=policy", "sampler=sde").Value();

    [Fact]
    public void Requirements_depend_on_settings() => TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=policy", "algorithm.settings.exact=false").Value();

    [Fact]
    public void A_method_that_compares_samples_needs_groups()
    {
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=grouped").Fault(FaultCodes.RequirementNotMet, "algorithm 'grouped'", "'grouped-prompts'", "run.group");
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=grouped", "run.group=4", "run.batch=8").Value();
    }

    [Fact]
    public void A_step_holds_whole_groups()
    {
        TestWorkspace.Compose(TestWorkspace.Valid, "run.group=4", "run.batch=6").Fault(FaultCodes.SettingsDoNotFit, "6 samples", "groups of 4");
        TestWorkspace.Compose(TestWorkspace.Valid, "run.group=4", "run.batch=6", "run.accumulation=2").Value();
    }

    [Fact]
    public void A_method_that_stays_near_the_reference_needs_the_run_to_keep_it()
    {
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=anchored").Fault(FaultCodes.RequirementNotMet, "algorithm 'anchored'", "'reference-policy'", "run.reference");
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=anchored", "run.reference=true").Value();
    }

    [Fact]
    public void Pairs_come_from_the_prompts() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=paired").Fault(FaultCodes.RequirementNotMet, "algorithm 'paired'", "'preference-pairs'", "prompts 'lines'");

    [Theory]
    [InlineData("best")]
    [InlineData("duel")]
    public void A_reward_of_groups_needs_them_where_it_is_used(string reward)
    {
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=free", $"rewards=[\"{reward}\"]").Fault(FaultCodes.RequirementNotMet, $"reward '{reward}'", "run.group");
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=free", $"rewards=[\"{reward}\"]", "run.group=2", "run.batch=2").Value();
        var heldOut = $"rewards=[\"smooth\", {{ \"id\": \"{reward}\", \"role\": \"heldOut\" }}]";
        TestWorkspace.Compose(TestWorkspace.Valid, heldOut).Fault(FaultCodes.RequirementNotMet, $"reward '{reward}'", "evaluation.imagesPerPrompt");
        TestWorkspace.Compose(TestWorkspace.Valid, heldOut, "evaluation.imagesPerPrompt=2").Value();
    }

    [Fact]
    public void An_optimizer_that_chooses_the_length_of_its_steps_and_a_limit_of_the_gradient_are_one_too_many()
    {
        TestWorkspace.Compose(TestWorkspace.Valid, "optimizer=stride", "run.clipNorm=0.5").Fault(FaultCodes.SettingsDoNotFit, "run.clipNorm is 0.5", "optimizer 'stride'", "null");
        Assert.Equal(0.5, TestWorkspace.Compose(TestWorkspace.Valid, "run.clipNorm=0.5").Value().ClipNorm);
        Assert.Equal(1, TestWorkspace.Compose(TestWorkspace.Valid).Value().ClipNorm);
        Assert.Equal(1, TestWorkspace.Compose(TestWorkspace.Valid, "run.clipNorm=null").Value().ClipNorm);
        var free = TestWorkspace.Compose(TestWorkspace.Valid, "optimizer=stride").Value();
        Assert.Null(free.ClipNorm);
        // What a run writes down for those that come after it.
        Assert.Contains("\"clipNorm\": null", free.ResolvedJson, StringComparison.Ordinal);
        Assert.Equal(free.ResolvedJson, TestWorkspace.Compose(free.ResolvedJson).Value().ResolvedJson);
        Assert.Contains("\"clipNorm\": 1,", TestWorkspace.Compose(TestWorkspace.Valid).Value().ResolvedJson, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rows")]
    [InlineData("replay")]
    [InlineData("second-draw")]
    [InlineData("hessian-vector")]
    [InlineData("probe")]
    public void What_an_optimizer_needs_the_algorithm_gives_or_both_are_named(string need)
    {
        string[] demanding = ["optimizer=demanding", $"optimizer.settings.needs=[\"gradient\", \"{need}\"]"];
        TestWorkspace.Compose(TestWorkspace.Valid, [.. demanding, "algorithm=free"]).Fault(FaultCodes.RequirementNotMet, "optimizer 'demanding'", $"'{need}'", "algorithm 'free'", "'repeatable'");
        TestWorkspace.Compose(TestWorkspace.Valid, [.. demanding, "algorithm=repeatable"]).Value();
    }

    [Fact]
    public void Every_run_gives_an_optimizer_its_gradient() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "optimizer=demanding", "optimizer.settings.needs=[\"gradient\"]").Value();

    [Fact]
    public void A_capability_of_nobody_is_said_so() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "algorithm=odd").Fault(FaultCodes.RequirementNotMet, "'made-up-capability'", "no part of this run");

    [Theory]
    [InlineData("throws-in-requires", "Requires", "no needs today")]
    [InlineData("throws-in-provides", "Provides", "")]
    public void A_plugin_that_throws_on_being_asked_is_named(string algorithm, string step, string words)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var catalog = workspace.Catalog();
        var fault = workspace.Compose(catalog, $"algorithm={algorithm}").Fault(FaultCodes.PluginThrew, "plugin 'parts'", step, words);
        Assert.Equal(3, fault.ExitCode);
        Assert.Equal(LeapAlign.Host.Plugins.PluginState.Faulted, Assert.Single(catalog.Plugins).State);
        Assert.Empty(catalog.Unload());
    }

    [Fact]
    public void A_plugin_that_throws_on_its_settings_is_named()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        workspace.Compose(workspace.Catalog(), "algorithm=throws-in-settings", "algorithm.settings.value=13")
            .Fault(FaultCodes.PluginThrew, "plugin 'parts'", "reading the settings of 'throws-in-settings'", "not thirteen");
    }
}
