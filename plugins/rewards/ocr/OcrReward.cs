using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Ocr;

/// <summary>
/// How well a picture shows the text that its caption has in quotes: 1 − the edit distance of what is asked for and what a program or a service reads, over the length of the
/// longer. Pictures are rounded to 8 bits, so there is no gradient.
/// </summary>
public sealed class OcrReward : IReward, IBoundedReward, IDisposable
{
    private readonly OcrSettings _settings;
    private readonly string _name;
    private readonly ITextReader _reader;

    private OcrReward(OcrSettings settings, string name, ITextReader reader) => (_settings, _name, _reader) = (settings, name, reader);

    /// <inheritdoc/>
    public ScoreRange Range { get; } = new(0, 1);

    /// <summary>Finds the program, or prepares to ask the service.</summary>
    /// <returns>A fault when the program is not there, the url is no http or https address, or the variable of the token is not set.</returns>
    public static Result<OcrReward> Create(OcrSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        var reader = settings.Url is { } url ? ServiceReader.Create(url, settings, context) : ProgramReader.Create(settings, context);
        return reader.Map(made => new OcrReward(settings, context.Name, made));
    }

    /// <inheritdoc/>
    /// <exception cref="FaultException">
    /// The program hangs, fails or writes too much; the service cannot be reached, is too slow, refuses or answers something else than a text for each picture; a caption has no
    /// text in quotes and <c>withoutText</c> is <c>fail</c>; or a picture is not finite.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop while a picture could not be read.</exception>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        var pictures = SentPictures.Of(images, prompts, _name);
        var asked = prompts.Select(static prompt => QuotedText.Of(prompt.Text)).ToArray();
        if (_settings.WithoutText == TextlessCaption.Fail && Array.IndexOf(asked, null) is >= 0 and var textless)
            throw new FaultException(new Fault.Input(FaultCodes.BadPromptMetadata, $"reward '{_name}': the caption '{prompts[textless].Text}' has no text in quotes to look for; withoutText says what such a caption is worth"));
        // A picture of which no text was asked for is not read.
        var read = Enumerable.Range(0, asked.Length).Where(index => asked[index] is not null).ToArray();
        var texts = _reader.Read([.. read.Select(index => pictures[index])], [.. read.Select(index => prompts[index])]);
        var scores = new float[asked.Length];
        Array.Fill(scores, _settings.WithoutText == TextlessCaption.One ? 1 : 0);
        foreach (var (index, text) in read.Zip(texts)) scores[index] = (float)TextMatch.Score(asked[index]!, text, _settings.IgnoreCase);
        return tensor(scores, dtype: ScalarType.Float32, device: images.device);
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();
}
