using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace LeapAlign.Services;

/// <summary>
/// When and after which time an attempt is repeated: what <see cref="HttpRetryStrategyOptions"/> knows of HTTP (broken connections, 408, 429, 5xx,
/// Retry-After), exponential waits with jitter, and a time for each attempt.
/// </summary>
/// <param name="settings">How often, and how long.</param>
/// <param name="time">The clock of waits.</param>
internal sealed class RetryPolicy(ServiceSettings settings, TimeProvider time)
{
    private readonly TimeSpan _longestWait = TimeSpan.FromSeconds(settings.LongestWait);

    /// <summary>The pipeline that runs attempts.</summary>
    public ResiliencePipeline<HttpResponseMessage> Build()
    {
        var builder = UncheckedPipeline.Builder<HttpResponseMessage>();
        builder.TimeProvider = time;
        if (settings.Retries > 0) builder.AddRetry(Retry());
        return builder.AddTimeout(new HttpTimeoutStrategyOptions { Timeout = TimeSpan.FromSeconds(settings.Timeout) }).Build();
    }

    /// <summary>
    /// The wait that an answer asks for, when it is longer than the longest. Without this limit one header of a service would halt a run for as long as
    /// it likes.
    /// </summary>
    /// <returns>Null when the wait is one that is kept.</returns>
    public TimeSpan? TooLongWait(HttpResponseMessage? response) => response?.Headers.RetryAfter switch
    {
        { Delta: { } delta } when delta > _longestWait => delta,
        { Date: { } date } when date - time.GetUtcNow() is var wait && wait > _longestWait => wait,
        _ => null,
    };

    private HttpRetryStrategyOptions Retry() => new()
    {
        MaxRetryAttempts = settings.Retries,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        Delay = TimeSpan.FromSeconds(settings.Backoff),
        MaxDelay = _longestWait,
        ShouldHandle = attempt => ValueTask.FromResult(
            HttpClientResiliencePredicates.IsTransient(attempt.Outcome) && TooLongWait(attempt.Outcome.Result) is null),
    };
}
