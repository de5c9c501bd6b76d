using System.Buffers;
using LeapAlign.Pipeline;
using Polly;
using Polly.Timeout;

namespace LeapAlign.Services;

/// <summary>
/// Posts requests to the service. It owns its connections, without a container of services: one host is asked, and the fewer statics a plugin brings to
/// life, the surer its load context goes.
/// </summary>
public sealed class ServiceClient : IDisposable
{
    // Enough for the excerpt of a fault, whatever the service sends with an error.
    private const int ErrorBytes = 4096;

    private readonly Endpoint _endpoint;
    private readonly ServiceSettings _settings;
    private readonly ServiceFaults _faults;
    private readonly RetryPolicy _retry;
    private readonly ResiliencePipeline<HttpResponseMessage> _pipeline;
    private readonly HttpClient _client;
    private readonly CancellationToken _stop;

    /// <summary>Prepares connections; none is made yet.</summary>
    /// <param name="endpoint">The service.</param>
    /// <param name="settings">Times and limits.</param>
    /// <param name="faults">What is said of a service that does not answer as it should.</param>
    /// <param name="time">The clock of waits.</param>
    /// <param name="stop">Asks the run to stop.</param>
    public ServiceClient(Endpoint endpoint, ServiceSettings settings, ServiceFaults faults, TimeProvider time, CancellationToken stop)
    {
        (_endpoint, _settings, _faults, _retry, _stop) = (endpoint, settings, faults, new RetryPolicy(settings, time), stop);
        _pipeline = _retry.Build();
        _client = new HttpClient(Handler(settings)) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>
    /// Posts a request, again when that helps. When the run is asked to stop, an attempt under way still gets its answer, so that the step can be made; there is no other
    /// attempt behind one that failed, and no wait for it.
    /// </summary>
    /// <param name="request">JSON.</param>
    /// <param name="cancellation">Ends the attempts.</param>
    /// <returns>The body of the answer, not longer than the limit.</returns>
    /// <exception cref="FaultException">There was no answer, or none that is a success, or a longer one.</exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop, and no attempt had succeeded.</exception>
    public async Task<byte[]> Post(byte[] request, CancellationToken cancellation)
    {
        var attempts = 0;
        var waits = false;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var asked = _stop.Register(() =>
        {
            if (Volatile.Read(ref waits)) giveUp.Cancel();
        });
        try
        {
            using var response = await _pipeline.ExecuteAsync(
                async token =>
                {
                    attempts++;
                    Volatile.Write(ref waits, false);
                    var answered = false;
                    try
                    {
                        var answer = await Attempt(request, token);
                        answered = answer.IsSuccessStatusCode;
                        return answer;
                    }
                    finally
                    {
                        Volatile.Write(ref waits, true);
                        if (!answered && _stop.IsCancellationRequested) await giveUp.CancelAsync();
                    }
                },
                giveUp.Token);
            if (!response.IsSuccessStatusCode) _stop.ThrowIfCancellationRequested();
            var body = await response.Content.ReadAsByteArrayAsync(cancellation);
            return response.IsSuccessStatusCode ? body : throw _faults.Refused(response.StatusCode, body, _retry.TooLongWait(response), attempts);
        }
        catch (TimeoutRejectedException)
        {
            _stop.ThrowIfCancellationRequested();
            throw _faults.TooSlow(_settings.Timeout, attempts);
        }
        catch (HttpRequestException broken)
        {
            _stop.ThrowIfCancellationRequested();
            throw _faults.Unreachable(broken.Message, attempts);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static SocketsHttpHandler Handler(ServiceSettings settings) => new()
    {
        // Pictures and token are for the address of the settings, not for one that it names.
        AllowAutoRedirect = false,
        UseCookies = false,
        // A large answer is cut off, not read to its end to save the connection.
        MaxResponseDrainSize = 0,
        MaxConnectionsPerServer = settings.Concurrency,
        // A run lasts for days; the service's name may get another address meanwhile.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
    };

    // The body is read here, not by the caller, so that the time of an attempt holds for it too and an answer that breaks off is asked for again.
    private async Task<HttpResponseMessage> Attempt(byte[] request, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, _endpoint.Url) { Content = new ByteArrayContent(request) };
        message.Content.Headers.ContentType = new("application/json");
        _endpoint.Authorize(message);
        var response = await _client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
        try
        {
            var limit = response.IsSuccessStatusCode ? _settings.MaxResponseBytes : ErrorBytes;
            var (body, cut) = await Read(response.Content, limit, cancellation);
            if (cut && response.IsSuccessStatusCode) throw _faults.TooLarge(limit);
            response.Content = new ByteArrayContent(body);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static async Task<(byte[] Body, bool Cut)> Read(HttpContent content, int limit, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(limit + 1);
        try
        {
            await using var stream = await content.ReadAsStreamAsync(cancellation);
            var read = await stream.ReadAtLeastAsync(buffer.AsMemory(0, limit + 1), limit + 1, throwOnEndOfStream: false, cancellation);
            return (buffer[..Math.Min(read, limit)], read > limit);
        }
        catch (IOException broken)
        {
            // The policy knows broken connections as this exception alone.
            cancellation.ThrowIfCancellationRequested();
            throw new HttpRequestException(HttpRequestError.ResponseEnded, broken.Message, broken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
