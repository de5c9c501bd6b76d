using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using Microsoft.AspNetCore.Http;

namespace LeapAlign.Host.Live;

/// <summary>The pages of a part. It sees no request that the gate has not let in, and nothing of it is loaded before it asks for a page.</summary>
/// <param name="part">The part's name in the run.</param>
/// <param name="error">Where the user is told the address.</param>
/// <param name="waits">Hears of a run that waits for people.</param>
/// <param name="warn">Takes what a part throws.</param>
internal sealed class LocalPages(string part, TextWriter error, PeopleAwaited waits, Action<Fault> warn) : ILocalPages
{
    /// <inheritdoc/>
    public Result<ILocalPage> Serve(string purpose, int port, Func<PageRequest, PageAnswer> answer) => LocalServer.Start(
        port,
        takesPosts: true,
        (context, asked) => Answer(context, asked, answer),
        why => new Fault.Configuration(FaultCodes.PageNotServed, $"'{part}' cannot have port {port} of 127.0.0.1 for its page: {why}; port 0 takes one that is free")).Map(server =>
        {
            error.WriteLine($"{part}: {purpose} at {server.Address}");
            error.Flush();
            return (ILocalPage)new Page(part, server, waits);
        });

    private async Task Answer(HttpContext context, string asked, Func<PageRequest, PageAnswer> answer)
    {
        // What says how long it is need not be read to know; what does not is read up to the limit of the server, which then refuses it by the same number.
        if (context.Request.ContentLength > LocalServer.LargestBody)
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var given = Given(new PageRequest(asked, HttpMethods.IsPost(context.Request.Method), body.GetBuffer().AsMemory(0, (int)body.Length)), answer);
        context.Response.StatusCode = given.Status;
        context.Response.ContentType = given.Type.StartsWith("text/", StringComparison.Ordinal) ? $"{given.Type}; charset=utf-8" : given.Type;
        context.Response.ContentLength = given.Body.Length;
        await context.Response.Body.WriteAsync(given.Body, context.RequestAborted);
    }

    private PageAnswer Given(PageRequest request, Func<PageRequest, PageAnswer> answer)
    {
        try
        {
            return answer(request);
        }
#pragma warning disable CA1031 // A part may throw anything; a page that fails is no reason to end a run.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            warn(exception.ToFault((type, message) => new Fault.Run(FaultCodes.StepThrew, $"the page of '{part}' threw {type}: {message}")));
            return new PageAnswer(StatusCodes.Status500InternalServerError, "text/plain", default);
        }
    }

    private sealed class Page(string part, LocalServer server, PeopleAwaited waits) : ILocalPage
    {
        public string Address => server.Address;

        public IDisposable Await(string what) => waits.Begin($"{part} waits for {what} at {server.Address}");

        public void Dispose() => server.Dispose();
    }
}
