using System.Text.Json;
using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;

namespace LeapAlign.Methods.Tests;

public sealed class ScheduleTests
{
    public static TheoryData<int> Recorded()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("schedules.json")));
        return [.. Enumerable.Range(0, file.RootElement.GetArrayLength())];
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Agrees_with_the_recorded_schedule(int index)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("schedules.json")));
        var recorded = file.RootElement[index];
        var schedule = Create(recorded);
        var sigmas = recorded.GetProperty("sigmas").EnumerateArray().Select(static value => value.GetDouble()).ToArray();
        Assert.Equal(sigmas.Length, schedule.Sigmas.Length);
        Assert.All(sigmas.Zip(schedule.Sigmas), static pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        var timesteps = recorded.GetProperty("timesteps").EnumerateArray().Select(static value => value.GetDouble()).ToArray();
        Assert.Equal(timesteps.Length, schedule.Steps);
        Assert.All(timesteps.Zip(schedule.Sigmas), static pair => Assert.Equal(pair.First, 1000f * (float)pair.Second, 1e-3));
    }

    [Fact]
    public void A_shift_whose_rounding_passes_one_gives_a_schedule_from_one()
    {
        foreach (var shift in Enumerable.Range(0, 6000).Select(static thousandths => 0.5 + (thousandths / 1000.0)).Append(1.88618))
        {
            foreach (var schedule in new[] { Sigmas.Explicit(4, shift), Sigmas.Dance(4, shift), Sigmas.PipelineDefault(4, shift, 1000) }) Assert.InRange(schedule.Sigma(0), 1 - 1e-6, 1);
        }
    }

    [Fact]
    public void Agrees_with_the_published_values_of_dance()
    {
        double[] expected =
        [
            1.0000000, 0.9782609, 0.9545455, 0.9285714, 0.9000000, 0.8684211, 0.8333333, 0.7941176, 0.7500000, 0.7000000, 0.6428571, 0.5769231, 0.5,
            0.4090909, 0.3, 0.1666667, 0,
        ];
        Assert.All(expected.Zip(Sigmas.Dance(16, 3).Sigmas), static pair => Assert.Equal(pair.First, pair.Second, 1e-7));
    }

    [Fact]
    public void A_dynamic_shift_grows_linearly_with_the_image_tokens()
    {
        Assert.Equal(0.5, Sigmas.Mu(new FlowScheduling { ImageTokens = 256 }), 1e-12);
        Assert.Equal(0.63, Sigmas.Mu(new FlowScheduling { ImageTokens = 1024 }), 1e-12);
        Assert.Equal(1.15, Sigmas.Mu(new FlowScheduling { ImageTokens = 4096 }), 1e-12);
    }

    [Fact]
    public void Auto_follows_the_models_scheduler()
    {
        var settings = new Settings { Steps = 8 };
        var still = new FlowScheduling { Shift = 3 };
        var moving = still with { UseDynamicShifting = true };
        Assert.Equal(Sigmas.Explicit(8, 3), settings.Create(still));
        Assert.Equal(Sigmas.Dynamic(8, Sigmas.Mu(moving)), settings.Create(moving));
        Assert.Equal(Sigmas.Explicit(5, 3), settings.Create(still, steps: 5));
        Assert.Equal(Sigmas.Explicit(8, 2), (settings with { Shift = 2 }).Create(still));
    }

    [Property]
    public bool Every_kind_falls_strictly_from_one_to_zero(PositiveInt steps, PositiveInt tenths)
    {
        var (count, shift) = (1 + (steps.Get % 200), 0.5 + (tenths.Get % 100 / 10.0));
        Schedule[] all = [Sigmas.Explicit(count, shift), Sigmas.PipelineDefault(count, shift, 1000), Sigmas.Dynamic(count, Math.Log(shift)), Sigmas.Dance(count, shift)];
        return all.All(schedule => schedule.Steps == count && schedule.Sigmas[0] == 1 && schedule.Sigmas[^1] == 0);
    }

    private static Schedule Create(JsonElement recorded)
    {
        var steps = recorded.GetProperty("steps").GetInt32();
        return recorded.GetProperty("kind").GetString() switch
        {
            "explicit" => Sigmas.Explicit(steps, recorded.GetProperty("shift").GetDouble()),
            "pipeline-default" => Sigmas.PipelineDefault(steps, recorded.GetProperty("shift").GetDouble(), 1000),
            "dynamic" => Sigmas.Dynamic(steps, Mu(recorded)),
            var kind => throw new InvalidOperationException($"no schedule of kind '{kind}'"),
        };
    }

    private static double Mu(JsonElement recorded)
    {
        var mu = Sigmas.Mu(new FlowScheduling { ImageTokens = recorded.GetProperty("image_tokens").GetInt32() });
        Assert.Equal(recorded.GetProperty("mu").GetDouble(), mu, 1e-9);
        return mu;
    }

    private sealed record Settings : ScheduleSettings;
}
