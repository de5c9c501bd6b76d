using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Rewards.Remote;

/// <summary>Settings of <c>remote</c>.</summary>
public sealed record RemoteSettings
{
    /// <summary>Where pictures are sent.</summary>
    [Description("Where pictures are sent: an absolute http or https address. It holds no user name and no password; a token comes from tokenVariable.")]
    [RegularExpression(@"^https?://\S+$")]
    [JsonRequired]
    public required string Url { get; init; }

    /// <summary>Pictures in one request.</summary>
    [Description("Pictures in one request.")]
    [Range(1, 4096)]
    public int Batch { get; init; } = 16;

    /// <summary>Requests that are under way at the same time.</summary>
    [Description("Requests that are under way at the same time.")]
    [Range(1, 256)]
    public int Concurrency { get; init; } = 2;

    /// <summary>Seconds for one attempt.</summary>
    [Description("Seconds that one attempt may take, from the connection to the last byte of the answer.")]
    [Range(0.05, 3600.0)]
    public double Timeout { get; init; } = 30;

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
    public int MaxResponseBytes { get; init; } = 1_048_576;

    /// <summary>The lowest score that the service may give.</summary>
    [Description("The lowest score that the service may give; a lower one is a fault. Null sets no bound.")]
    public double? Minimum { get; init; }

    /// <summary>The highest score that the service may give.</summary>
    [Description("The highest score that the service may give; a higher one is a fault. Null sets no bound.")]
    public double? Maximum { get; init; }
}
