using Microsoft.AspNetCore.Http;

namespace LeapAlign.Host.Live;

/// <summary>Access control: checks every request before anything else does.</summary>
internal sealed class LiveGate(LiveToken token)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Lets a request in or refuses it, and sets the headers of every answer.</summary>
    /// <returns>What it asks for, behind the token; null when it is refused.</returns>
    public string? Admit(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = Policy;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        // A name of somebody else's that he had resolved to this machine: his page must not read ours.
        if (!IsOurs(context)) return Refuse(context, StatusCodes.Status403Forbidden);
        if (Behind(context.Request.Path.Value ?? "") is not { } asked) return Refuse(context, StatusCodes.Status404NotFound);
        if (HttpMethods.IsGet(context.Request.Method)) return asked;
        headers.Allow = HttpMethods.Get;
        return Refuse(context, StatusCodes.Status405MethodNotAllowed);
    }

    private static bool IsOurs(HttpContext context)
    {
        var host = context.Request.Host;
        return host.Host is "127.0.0.1" or "localhost" && (host.Port ?? 80) == context.Connection.LocalPort;
    }

    // Of /token/rest, the rest.
    private string? Behind(string path)
    {
        var end = path.IndexOf('/', Math.Min(1, path.Length));
        return end > 0 && token.Is(path.AsSpan(1, end - 1)) ? path[(end + 1)..] : null;
    }

    private static string? Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return null;
    }
}
