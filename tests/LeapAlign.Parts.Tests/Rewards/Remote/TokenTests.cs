using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>The bearer token: sent to the service, shown to nobody.</summary>
public sealed class TokenTests : IDisposable
{
    private const string Token = "s3cret.token+/=";

    private readonly string _variable = $"LEAPALIGN_TEST_{Guid.NewGuid():N}";

    public TokenTests() => Environment.SetEnvironmentVariable(_variable, Token);

    public void Dispose() => Environment.SetEnvironmentVariable(_variable, null);

    [Fact]
    public async Task The_token_goes_with_every_request()
    {
        await using var server = await ScriptedServer.Start(token: Token);
        var settings = RemoteCase.Settings(server.Url) with { Batch = 2, TokenVariable = _variable };
        Assert.Equal(4, RemoteCase.Score(settings).Length);
        Assert.Equal([$"Bearer {Token}", $"Bearer {Token}"], server.Authorizations);
        Assert.Contains("401 Unauthorized in 1 attempt: (no text)", RemoteCase.Fault(settings with { TokenVariable = null }).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCodes.Status403Forbidden, "{0} may not", "*** may not")]
    [InlineData(StatusCodes.Status200OK, "{0}", "'***'")]
    [InlineData(StatusCodes.Status200OK, "{{ \"scores\": [\"{0}\", 1, 1, 1] }}", "'\"***\"'")]
    public async Task A_service_that_repeats_the_token_does_not_make_a_fault_show_it(int status, string body, string shown)
    {
        await using var server = await ScriptedServer.Says(string.Format(System.Globalization.CultureInfo.InvariantCulture, body, Token), status);
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { TokenVariable = _variable });
        Assert.Contains(shown, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_end_of_an_excerpt_does_not_show_half_of_the_token()
    {
        await using var server = await ScriptedServer.Says(new string('x', 195) + Token, StatusCodes.Status403Forbidden);
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { TokenVariable = _variable });
        Assert.DoesNotContain(Token[..3], fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCodes.Status302Found)]
    [InlineData(StatusCodes.Status307TemporaryRedirect)]
    public async Task A_redirect_is_a_fault_and_takes_nothing_elsewhere(int status)
    {
        await using var other = await ScriptedServer.Start();
        await using var server = await ScriptedServer.Says("", status, headers => headers.Location = other.Url);
        var fault = RemoteCase.Fault(RemoteCase.Settings(server.Url) with { TokenVariable = _variable });
        Assert.Equal(FaultCodes.ServiceRefused, fault.Code);
        Assert.Contains($"answered {status} ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("redirects are not followed", fault.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0), (server.Requests, other.Requests));
    }

    [Theory]
    [InlineData(null, "is not set")]
    [InlineData("two words", "does not hold a bearer token")]
    [InlineData("line\r\nX-Other: 1", "does not hold a bearer token")]
    [InlineData("schlüssel", "does not hold a bearer token")]
    public void A_variable_without_a_token_is_a_fault_at_start_that_names_it(string? value, string message)
    {
        Environment.SetEnvironmentVariable(_variable, value);
        Assert.False(RemoteCase.Create(RemoteCase.Settings("http://127.0.0.1/score") with { TokenVariable = _variable }).TryGet(out _, out var fault));
        Assert.Equal((FaultCodes.VariableNotSet, 2), (fault.Code, fault.ExitCode));
        Assert.Contains($"'{_variable}'", fault.Message, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        if (value is not null) Assert.DoesNotContain(value, fault.Message, StringComparison.Ordinal);
    }
}
