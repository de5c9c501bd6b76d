using LeapAlign.Host.Live;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Host.Tests.Live;

public sealed class LiveGateTests
{
    private readonly LiveToken _token = new();

    [Fact]
    public void A_token_is_long_and_never_the_same_and_is_met_by_itself_alone()
    {
        Assert.True(System.Buffers.Text.Base64Url.DecodeFromChars(_token.Text).Length * 8 >= 128);
        Assert.Equal(100, Enumerable.Range(0, 100).Select(static _ => new LiveToken().Text).Distinct().Count());
        Assert.Matches("^[A-Za-z0-9_-]{43}$", _token.Text);
        Assert.True(_token.Is(_token.Text));
        for (var place = 0; place < _token.Text.Length; place++)
        {
            var wrong = _token.Text.ToCharArray();
            wrong[place] = wrong[place] == 'a' ? 'b' : 'a';
            Assert.False(_token.Is(wrong));
        }
        foreach (var other in new[] { "", _token.Text[..^1], _token.Text + "a", new string('é', _token.Text.Length), new LiveToken().Text }) Assert.False(_token.Is(other));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("//")]
    [InlineData("/data")]
    [InlineData("/other/")]
    [InlineData("/other/data")]
    public void Nothing_is_there_without_the_token(string path) => Assert.Equal((null, 404), Ask(path));

    [Fact]
    public void With_the_token_it_is_what_stands_behind_it()
    {
        Assert.Equal(("", 200), Ask($"/{_token.Text}/"));
        Assert.Equal(("data", 200), Ask($"/{_token.Text}/data"));
        Assert.Equal(("a/b", 200), Ask($"/{_token.Text}/a/b"));
        Assert.Equal((null, 404), Ask($"/{_token.Text}"));
        Assert.Equal((null, 404), Ask($"/{_token.Text.ToUpperInvariant()}/"));
        Assert.Equal((null, 404), Ask($"/{_token.Text[..^1]}/"));
        Assert.Equal((null, 404), Ask($"//{_token.Text}/"));
    }

    [Theory]
    [InlineData("127.0.0.1:5000", true)]
    [InlineData("localhost:5000", true)]
    [InlineData("127.0.0.1:5001", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("localhost", false)]
    [InlineData("attacker.example:5000", false)]
    [InlineData("127.0.0.1.attacker.example:5000", false)]
    [InlineData("localhost.attacker.example:5000", false)]
    [InlineData("[::1]:5000", false)]
    [InlineData("0.0.0.0:5000", false)]
    [InlineData("", false)]
    public void A_request_under_another_name_is_refused(string host, bool admitted) =>
        Assert.Equal(admitted ? ("data", 200) : (null, 403), Ask($"/{_token.Text}/data", host: host));

    [Fact]
    public void A_port_that_browsers_leave_out_is_understood() => Assert.Equal(("data", 200), Ask($"/{_token.Text}/data", host: "127.0.0.1", port: 80));

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("HEAD")]
    [InlineData("OPTIONS")]
    public void Reading_is_all_that_can_be_asked(string method) => Assert.Equal((null, 405), Ask($"/{_token.Text}/data", method));

    [Theory]
    [InlineData("application/json", null, null, 200)]
    [InlineData("application/json; charset=utf-8", "http://127.0.0.1:5000", "same-origin", 200)]
    [InlineData("application/json", "http://127.0.0.1:5001", null, 403)]
    [InlineData("application/json", "http://localhost:5000", null, 403)]
    [InlineData("application/json", "https://127.0.0.1:5000", null, 403)]
    [InlineData("application/json", "http://attacker.example", null, 403)]
    [InlineData("application/json", "null", null, 403)]
    [InlineData("application/json", null, "cross-site", 403)]
    [InlineData("application/json", null, "same-site", 403)]
    [InlineData("application/json", "http://127.0.0.1:5000", "none", 403)]
    [InlineData("text/plain", null, null, 415)]
    [InlineData("application/x-www-form-urlencoded", null, null, 415)]
    [InlineData("multipart/form-data", null, null, 415)]
    [InlineData("json", null, null, 415)]
    [InlineData("", null, null, 415)]
    public void What_changes_something_is_json_of_its_own_page(string type, string? origin, string? site, int status)
    {
        var context = Context($"/{_token.Text}/vote", "POST");
        context.Request.ContentType = type;
        if (origin is not null) context.Request.Headers.Origin = origin;
        if (site is not null) context.Request.Headers["Sec-Fetch-Site"] = site;
        Assert.Equal(status == 200 ? "vote" : null, new LiveGate(_token, takesPosts: true).Admit(context));
        Assert.Equal(status, context.Response.StatusCode);
        // Where nothing can be changed, not even that is let in.
        Assert.Null(new LiveGate(_token).Admit(context));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_answer_forbids_to_keep_it_and_to_load_anything(bool admitted)
    {
        var context = Context(admitted ? $"/{_token.Text}/" : "/");
        new LiveGate(_token).Admit(context);
        var headers = context.Response.Headers;
        Assert.Equal("no-store", headers.CacheControl);
        Assert.Equal("nosniff", headers.XContentTypeOptions);
        Assert.StartsWith("default-src 'none'; ", headers.ContentSecurityPolicy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", headers.ContentSecurityPolicy.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("http", headers.ContentSecurityPolicy.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(headers, static header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    private (string? Asked, int Status) Ask(string path, string method = "GET", string host = "127.0.0.1:5000", int port = 5000)
    {
        var context = Context(path, method, host, port);
        return (new LiveGate(_token).Admit(context), context.Response.StatusCode);
    }

    private static DefaultHttpContext Context(string path, string method = "GET", string host = "127.0.0.1:5000", int port = 5000)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Host = new HostString(host);
        context.Request.Path = path;
        context.Connection.LocalPort = port;
        return context;
    }
}
