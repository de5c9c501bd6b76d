using System.Net.Security;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>
/// Sees what becomes of each export. The first that fails is a warning, later ones are nothing new; and at the end of a run nobody waits for a receiver that
/// has already kept it waiting.
/// </summary>
/// <param name="warn">Takes the warning, on the thread of the exporter.</param>
/// <param name="time">The clock.</param>
internal sealed class DeliveryWatch(Action<Fault> warn, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<object, long> _pending = [];
    private bool _failed;
    private bool _quiet;

    /// <summary>Whether the last export was taken, and none waits for longer than a while.</summary>
    public bool IsWell(TimeSpan patience)
    {
        lock (_pending) return !_failed && _pending.Values.All(started => time.GetElapsedTime(started) < patience);
    }

    /// <summary>The client of an exporter.</summary>
    /// <param name="timeout">Of each export.</param>
    /// <param name="connection">Certificates; those of the system when absent.</param>
    public HttpClient Client(TimeSpan timeout, SslClientAuthenticationOptions? connection = null) => new(new Handler(this, connection ?? new())) { Timeout = timeout };

    /// <summary>Breaks off what is under way; what comes is not sent.</summary>
    /// <param name="quietly">Whether that is no news.</param>
    public void Abandon(bool quietly)
    {
        lock (_pending) _quiet |= quietly;
        _end.Cancel();
    }

    public void Dispose() => _end.Dispose();

    private object Begin()
    {
        var export = new object();
        lock (_pending) _pending[export] = time.GetTimestamp();
        return export;
    }

    private void End(object export, Func<string, Fault?> fault)
    {
        Fault? news;
        lock (_pending)
        {
            _pending.Remove(export, out var started);
            var found = fault($"{time.GetElapsedTime(started).TotalSeconds:0.#}");
            news = _quiet ? null : found;
            _failed = found is not null;
            // One warning for a run: whatever comes after it is the same receiver.
            _quiet |= news is not null;
        }
        if (news is not null) warn(news);
    }

    private static Fault Said(string code, Uri? receiver, string what) =>
        new Fault.Run(code, $"telemetry: {receiver?.GetLeftPart(UriPartial.Authority)} {what}; the run goes on, telemetry is lost");

    // The message of a failed connection points to an inner one, which has the reason: a certificate, a name, a socket.
    private static string Reason(Exception broken)
    {
        List<string> reasons = [];
        for (var at = broken; at is not null; at = at.InnerException)
        {
            var said = at.Message.ReplaceLineEndings(" ").Replace(", see inner exception", "", StringComparison.Ordinal).TrimEnd('.');
            if (!reasons.Any(reason => reason.Contains(said, StringComparison.Ordinal))) reasons.Add(said);
        }
        return string.Join(": ", reasons);
    }

    private sealed class Handler(DeliveryWatch watch, SslClientAuthenticationOptions connection) : DelegatingHandler(new SocketsHttpHandler { SslOptions = connection })
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Watched(request, (message, stop) => Task.FromResult(base.Send(message, stop)), cancellationToken).GetAwaiter().GetResult();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Watched(request, base.SendAsync, cancellationToken);

        private async Task<HttpResponseMessage> Watched(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, CancellationToken stop)
        {
            var export = watch.Begin();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, watch._end.Token);
            try
            {
                var response = await send(request, either.Token).ConfigureAwait(false);
                // The status of gRPC comes behind the body.
                await response.Content.LoadIntoBufferAsync(either.Token).ConfigureAwait(false);
                watch.End(export, _ => Refusal(request.RequestUri, response));
                return response;
            }
            catch (OperationCanceledException)
            {
                watch.End(export, seconds => Said(FaultCodes.ServiceTooSlow, request.RequestUri, $"did not answer within {seconds} s"));
                throw;
            }
            catch (HttpRequestException broken)
            {
                watch.End(export, _ => Said(FaultCodes.ServiceUnreachable, request.RequestUri, $"could not be reached: {Reason(broken)}"));
                throw;
            }
        }

        private static Fault? Refusal(Uri? receiver, HttpResponseMessage response)
        {
            var grpc = Trailer(response, "grpc-status") is { } status && status != "0" ? $"gRPC status {status} {Uri.UnescapeDataString(Trailer(response, "grpc-message") ?? "")}".TrimEnd() : null;
            if (response.IsSuccessStatusCode && grpc is null) return null;
            return Said(FaultCodes.ServiceRefused, receiver, $"answered {grpc ?? $"{(int)response.StatusCode} {response.StatusCode}"}");
        }

        private static string? Trailer(HttpResponseMessage response, string name) =>
            response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;
    }
}
