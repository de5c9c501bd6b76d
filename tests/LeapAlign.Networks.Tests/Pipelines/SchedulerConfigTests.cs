using System.Text.Json;
using LeapAlign.Contracts.Models;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>scheduler_config.json against the noise levels of diffusers, as bench/reference/diffusers_schedules.py recorded them.</summary>
public sealed class SchedulerConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-scheduler-").FullName;

    [Fact]
    public void Noise_levels_are_those_of_diffusers()
    {
        using var recorded = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "fixtures", "scheduler-configs.json")));
        var compared = 0;
        foreach (var record in recorded.RootElement.EnumerateArray())
        {
            var name = $"{record.GetProperty("config")} {record.GetProperty("kind")} {record.GetProperty("steps")} {record.GetProperty("image_tokens")}";
            var settings = new FlowEulerSettings { Schedule = record.GetProperty("kind").GetString() == "explicit" ? ScheduleKind.Explicit : ScheduleKind.PipelineDefault };
            var scheduling = Recording.Require(Read(record.GetProperty("config").GetRawText())) with { ImageTokens = record.GetProperty("image_tokens").GetInt32() };
            var steps = record.GetProperty("steps").GetInt32();
            if (record.GetProperty("sigmas").ValueKind == JsonValueKind.Null)
            {
                var refused = Assert.Throws<FaultException>(() => settings.Create(scheduling, steps));
                Assert.Equal(FaultCodes.SettingsDoNotFit, refused.Fault.Code);
                Assert.Contains($"{steps} steps", refused.Fault.Message, StringComparison.Ordinal);
                continue;
            }
            var schedule = settings.Create(scheduling, steps);
            Agree(record.GetProperty("sigmas"), schedule.Sigmas, 2e-7, name);
            Agree(record.GetProperty("timesteps"), schedule.Sigmas.Take(steps).Select(sigma => (double)(scheduling.TrainingSteps * (float)sigma)), 2e-7 * scheduling.TrainingSteps, name);
            compared++;
        }
        Assert.InRange(compared, 1, int.MaxValue);
    }

    [Theory]
    [InlineData("_class_name", "\"DDIMScheduler\"", "DDIMScheduler")]
    [InlineData("_class_name", "null", "null")]
    [InlineData("_class_name", "\"FlowMatchHeunDiscreteScheduler\"", "FlowMatchEulerDiscreteScheduler")]
    [InlineData("invert_sigmas", "true", "not supported")]
    [InlineData("stochastic_sampling", "true", "flow-sde")]
    [InlineData("shift", "\"3\"", "has to be a number")]
    [InlineData("shift", "null", "has to be a number")]
    [InlineData("shift", "0", "above 0")]
    [InlineData("use_dynamic_shifting", "1", "true or false")]
    [InlineData("num_train_timesteps", "1000.5", "whole number")]
    [InlineData("time_shift_type", "\"log\"", "exponential or linear")]
    [InlineData("time_shift_type", "null", "exponential or linear")]
    [InlineData("shift_terminal", "1", "below 1")]
    [InlineData("sigma_max", "80", "between 0 and 1")]
    public void What_is_wrong_or_not_supported_is_refused_by_name(string key, string value, string word)
    {
        var fault = Read($$"""{ "{{key}}": {{value}} }""").Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.WrongModelClass, fault?.Code);
        Assert.Equal(key, fault?.Place?.Key);
        Assert.EndsWith("scheduler_config.json", fault?.Place?.File, StringComparison.Ordinal);
        Assert.Contains(word, fault?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_pipeline_alone_reads_is_refused_in_its_folders_only()
    {
        const string json = """{ "use_flow_sigmas": true }""";
        Assert.Equal(new FlowScheduling(), Recording.Require(Read(json, PipelineFamilies.StableDiffusion3)));
        var fault = Read(json, PipelineFamilies.Flux).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal("use_flow_sigmas", fault?.Place?.Key);
        Assert.True(Read("""{ "use_flow_sigmas": false }""", PipelineFamilies.Flux).IsOk);
    }

    [Fact]
    public void Only_one_spacing_may_be_set()
    {
        var fault = Read("""{ "use_karras_sigmas": true, "use_beta_sigmas": true }""").Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal("use_beta_sigmas", fault?.Place?.Key);
        Assert.Contains("only one of", fault?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_is_right_where_diffusers_reads_nothing()
    {
        var still = Recording.Require(Read("""{ "base_shift": null, "max_shift": null, "shift_terminal": null, "sigma_min": null }"""));
        Assert.Equal(new FlowScheduling(), still);
        Assert.False(Read("""{ "base_shift": null, "use_dynamic_shifting": true }""").IsOk);
        Assert.False(Read("""{ "base_image_seq_len": 256, "max_image_seq_len": 256, "use_dynamic_shifting": true }""").IsOk);
    }

    [Fact]
    public void A_schedule_of_another_reference_refuses_what_it_does_not_know()
    {
        var dance = new FlowEulerSettings { Schedule = ScheduleKind.Dance };
        Assert.Equal(Sigmas.Dance(8, 3), dance.Create(new FlowScheduling { Shift = 3 }, 8));
        foreach (var (scheduling, word) in new[] { (new FlowScheduling { Spacing = SigmaSpacing.Karras }, "karras"), (new FlowScheduling { TerminalSigma = 0.1 }, "shift_terminal") })
            Assert.Contains(word, Assert.Throws<FaultException>(() => dance.Create(scheduling, 8)).Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shift_in_the_settings_takes_the_place_of_the_models()
    {
        var moving = new FlowScheduling { Shift = 3, UseDynamicShifting = true, ImageTokens = 1024 };
        foreach (var kind in new[] { ScheduleKind.Auto, ScheduleKind.Explicit })
        {
            var settings = new FlowEulerSettings { Schedule = kind };
            Assert.Equal(Sigmas.Dynamic(8, Sigmas.Mu(moving)), settings.Create(moving, 8));
            Assert.Equal(Sigmas.Explicit(8, 2), (settings with { Shift = 2 }).Create(moving, 8));
        }
        Assert.Equal(Sigmas.Dynamic(8, Sigmas.Mu(moving)), new FlowEulerSettings { Schedule = ScheduleKind.Dynamic }.Create(moving with { UseDynamicShifting = false }, 8));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Agree(JsonElement expected, IEnumerable<double> actual, double tolerance, string name)
    {
        var pairs = expected.EnumerateArray().Select(static value => value.GetDouble()).Zip(actual).ToArray();
        Assert.Equal(expected.GetArrayLength(), pairs.Length);
        Assert.All(pairs, pair => Assert.True(Math.Abs(pair.First - pair.Second) <= tolerance, $"{name}: {pair.Second} instead of {pair.First}"));
    }

    private Result<FlowScheduling> Read(string json, PipelineFamily? family = null)
    {
        var path = Path.Combine(_folder, "scheduler_config.json");
        File.WriteAllText(path, json);
        return SchedulerConfig.Read(path, null, family);
    }
}
