using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Services;

namespace LeapAlign.Rewards.Remote;

/// <summary>Settings of <c>remote</c>.</summary>
public sealed record RemoteSettings : ServiceSettings
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

    /// <summary>The lowest score that the service may give.</summary>
    [Description("The lowest score that the service may give; a lower one is a fault. Null sets no bound.")]
    public double? Minimum { get; init; }

    /// <summary>The highest score that the service may give.</summary>
    [Description("The highest score that the service may give; a higher one is a fault. Null sets no bound.")]
    public double? Maximum { get; init; }
}
