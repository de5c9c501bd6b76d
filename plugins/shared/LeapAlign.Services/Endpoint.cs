using LeapAlign.Pipeline;

namespace LeapAlign.Services;

/// <summary>Where pictures are sent, and the token that goes with them. It is no record, whose text would show the token.</summary>
public sealed class Endpoint
{
    private const string Hidden = "***";

    private readonly string? _token;

    private Endpoint(Uri url, string? token) => (Url, _token) = (url, token);

    /// <summary>The whole address.</summary>
    public Uri Url { get; }

    /// <summary>The address as faults show it: a query may hold a key, and a log is read by many.</summary>
    public string Shown => Url.GetLeftPart(UriPartial.Path);

    /// <summary>Checks the address and reads the token from the environment.</summary>
    /// <param name="url">The address.</param>
    /// <param name="tokenVariable">The environment variable that holds the token; null for none.</param>
    /// <param name="part">The part's name in the run.</param>
    /// <returns>A fault when the address is none, or the variable is not set or holds what cannot be a token.</returns>
    public static Result<Endpoint> Create(string url, string? tokenVariable, string part) =>
        from address in Address(url, part)
        from token in Token(tokenVariable, part)
        select new Endpoint(address, token.Length == 0 ? null : token);

    /// <summary>The same, unless pictures, captions and token would cross a network readable.</summary>
    /// <param name="part">The part's name in the run.</param>
    /// <returns>A fault for http to another machine.</returns>
    public Result<Endpoint> Guarded(string part) => Url.Scheme == Uri.UriSchemeHttps || Url.IsLoopback
        ? this
        : new Fault.Configuration(FaultCodes.UnknownValue, $"reward '{part}': the url '{Shown}' is http to another machine, which anybody on the way can read; use https, or set allowInsecure to true");

    /// <summary>Adds the token to a request.</summary>
    public void Authorize(HttpRequestMessage request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (_token is not null) request.Headers.Authorization = new("Bearer", _token);
    }

    /// <summary>A text of the service without the token: some services repeat what they were sent.</summary>
    public string Redact(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _token is null ? text : text.Replace(_token, Hidden, StringComparison.Ordinal);
    }

    private static Result<Uri> Address(string text, string part)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
            return new Fault.Configuration(FaultCodes.UnknownValue, $"reward '{part}': the url '{text}' is not an absolute http or https address");
        return url.UserInfo.Length == 0
            ? url
            : new Fault.Configuration(FaultCodes.UnknownValue, $"reward '{part}': the url of {url.Host} holds a user name; name the environment variable of a token in tokenVariable instead");
    }

    private static Result<string> Token(string? variable, string part)
    {
        if (variable is null) return "";
        var token = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(token))
            return new Fault.Configuration(FaultCodes.VariableNotSet, $"reward '{part}': the environment variable '{variable}', which tokenVariable names, is not set");
        // A line break in a header would end it; anything but visible ASCII is a file that was read by mistake.
        return token.All(static character => character is > ' ' and <= '~')
            ? token
            : new Fault.Configuration(FaultCodes.VariableNotSet, $"reward '{part}': the environment variable '{variable}' does not hold a bearer token: it has spaces, line breaks or characters outside ASCII");
    }
}
