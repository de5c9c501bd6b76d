using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>What the plugin says of itself, and settings that cannot be.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void The_plugin_offers_a_reward_without_gradient_and_reads_its_settings()
    {
        var part = Assert.Single(new RemotePlugin().Parts);
        Assert.Equal((PartKinds.Reward, "remote"), (part.Kind, part.Id));
        var settings = Assert.IsType<RemoteSettings>(part.ReadSettings("""{ "url": "http://x/score", "batch": 3, "minimum": -1, "tokenVariable": "T" }"""));
        Assert.Equal(new RemoteSettings { Url = "http://x/score", Batch = 3, Minimum = -1, TokenVariable = "T" }, settings);
        Assert.Equal((16, 30.0, 3, 1 << 20, 2), (new RemoteSettings { Url = "" }.Batch, settings.Timeout, settings.Retries, settings.MaxResponseBytes, settings.Concurrency));
        Assert.DoesNotContain(Capabilities.DifferentiableReward, part.Provides(settings));
        Assert.Throws<System.Text.Json.JsonException>(() => part.ReadSettings("{}"));
    }

    [Theory]
    [InlineData("somewhere", "'somewhere'")]
    [InlineData("/score", "'/score'")]
    [InlineData("ftp://x/score", "'ftp://x/score'")]
    [InlineData("http://", "'http://'")]
    public void An_address_that_is_not_absolute_http_is_a_fault(string url, string message) => AssertFault(url, message);

    [Fact]
    public void A_password_does_not_belong_into_the_address()
    {
        var fault = AssertFault("https://user:hunter2@x/score", "tokenVariable");
        Assert.DoesNotContain("hunter2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_range_has_its_bounds_in_order()
    {
        Assert.False(RemoteCase.Create(RemoteCase.Settings("http://x/score") with { Minimum = 1, Maximum = 0.5 }).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.OutOfRange, "reward 'judge': minimum 1 is above maximum 0.5"), (fault.Code, fault.Message));
    }

    private static Fault AssertFault(string url, string message)
    {
        Assert.False(RemoteCase.Create(RemoteCase.Settings(url)).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.UnknownValue, 2), (fault.Code, fault.ExitCode));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        return fault;
    }
}
