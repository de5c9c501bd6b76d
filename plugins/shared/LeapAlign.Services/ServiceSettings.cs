using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Services;

/// <summary>How a service is asked: the settings of every reward that asks one.</summary>
public abstract record ServiceSettings
{
    /// <summary>Requests that are under way at the same time.</summary>
    [Description("Requests that are under way at the same time.")]
    [Range(1, 256)]
    public virtual int Concurrency { get; init; } = 2;

    /// <summary>Seconds for one attempt.</summary>
    [Description("Seconds that one attempt may take, from the connection to the last byte of the answer.")]
    [Range(0.05, 3600.0)]
    public virtual double Timeout { get; init; } = 30;

    /// <summary>Attempts after the first.</summary>
    [Description("Attempts after the first, when the service cannot be reached, is too slow or answers 408, 429 or 5xx. 0 never repeats.")]
    [Range(0, 100)]
    public int Retries { get; init; } = 3;

    /// <summary>Seconds before the second attempt.</summary>
    [Description("Seconds before the second attempt, about; they double with every further attempt, with jitter. A Retry-After of the service goes before.")]
    [Range(0.0, 600.0)]
    public double Backoff { get; init; } = 1;

    /// <summary>The longest wait between two attempts, in seconds.</summary>
    [Description("The longest wait between two attempts in seconds. A service that asks for a longer one with Retry-After counts as down.")]
    [Range(0.0, 3600.0)]
    public double LongestWait { get; init; } = 60;

    /// <summary>The environment variable that holds the bearer token.</summary>
    [Description("The name of the environment variable that holds the bearer token; null sends none.")]
    public string? TokenVariable { get; init; }

    /// <summary>The largest answer that is read, in bytes.</summary>
    [Description("The largest answer in bytes; what is longer is a fault, and no more of it is read.")]
    [Range(64, 67_108_864)]
    public virtual int MaxResponseBytes { get; init; } = 1_048_576;
}
