using System.Net.Http.Headers;
using System.Net.Mime;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Host.Live;

/// <summary>Access control: checks every request before anything else does.</summary>
/// <param name="token">What has to stand in the path.</param>
/// <param name="takesPosts">Whether something can be changed through it: then a POST of JSON is let in, too, unless a page of somebody else's sends it.</param>
internal sealed class LiveGate(LiveToken token, bool takesPosts = false)
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
        if (takesPosts && HttpMethods.IsPost(context.Request.Method)) return Posted(context, asked);
        headers.Allow = takesPosts ? $"{HttpMethods.Get}, {HttpMethods.Post}" : HttpMethods.Get;
        return Refuse(context, StatusCodes.Status405MethodNotAllowed);
    }

    // A form of another page can send what it likes, but not JSON without being asked for leave first, which nobody gives here; browsers say where a request comes from besides.
    private static string? Posted(HttpContext context, string asked)
    {
        var (headers, host) = (context.Request.Headers, context.Request.Host);
        if (headers.Origin.Count > 0 && headers.Origin != $"http://{host}") return Refuse(context, StatusCodes.Status403Forbidden);
        if (headers.TryGetValue("Sec-Fetch-Site", out var site) && site != "same-origin") return Refuse(context, StatusCodes.Status403Forbidden);
        return MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) && type.MediaType == MediaTypeNames.Application.Json
            ? asked
            : Refuse(context, StatusCodes.Status415UnsupportedMediaType);
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
