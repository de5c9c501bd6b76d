using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Services;

namespace LeapAlign.Rewards.Ocr;

/// <summary>Settings of <c>ocr</c>.</summary>
public sealed record OcrSettings : ServiceSettings
{
    /// <summary>The program that reads pictures, and its arguments.</summary>
    [Description("The program that reads a picture, PNG on its standard input, and writes the text to its standard output; then its arguments. A path is relative to plugins.json, a name is looked for on the PATH.")]
    [MinLength(1)]
    public IReadOnlyList<string> Command { get; init; } = ["tesseract", "stdin", "stdout", "--psm", "6"];

    /// <summary>The service that reads pictures in place of a program.</summary>
    [Description("Where pictures are sent to be read, an absolute http or https address; null takes the program of command.")]
    [RegularExpression(@"^https?://\S+$")]
    public string? Url { get; init; }

    /// <summary>Pictures in one request to a service.</summary>
    [Description("Pictures in one request to a service.")]
    [Range(1, 4096)]
    public int Batch { get; init; } = 16;

    /// <inheritdoc/>
    [Description("Processes of the program, or requests to the service, at the same time.")]
    [Range(1, 256)]
    public override int Concurrency { get; init; } = 2;

    /// <inheritdoc/>
    [Description("Seconds that the program may take for one picture, or an attempt of the service for one request. A program that takes longer is ended, with all that it started.")]
    [Range(0.05, 3600.0)]
    public override double Timeout { get; init; } = 30;

    /// <inheritdoc/>
    [Description("The longest output of the program, or answer of the service, in bytes; what is longer is a fault, and no more of it is read.")]
    [Range(64, 67_108_864)]
    public override int MaxResponseBytes { get; init; } = 65_536;

    /// <summary>Whether capital and small letters are the same.</summary>
    [Description("Whether capital and small letters count as the same.")]
    public bool IgnoreCase { get; init; } = true;

    /// <summary>What a caption without quoted text is worth.</summary>
    [Description("The score of a caption without text in quotes: one, zero, or fail, which ends the run and names the caption.")]
    public TextlessCaption WithoutText { get; init; } = TextlessCaption.One;
}

/// <summary>What a caption without quoted text is worth.</summary>
public enum TextlessCaption
{
    /// <summary>1: nothing was asked for, and nothing is absent.</summary>
    [JsonStringEnumMemberName("one")]
    One,

    /// <summary>0.</summary>
    [JsonStringEnumMemberName("zero")]
    Zero,

    /// <summary>The run ends.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}
