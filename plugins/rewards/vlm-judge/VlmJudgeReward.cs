using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>
/// A vision-language model judges each picture by a rubric, behind an OpenAI-compatible chat endpoint. Yes is 1 and no is 0; a number of a range is scaled to [0, 1].
/// Pictures are rounded to 8 bits, so there is no gradient. Equal questions are asked once.
/// </summary>
public sealed class VlmJudgeReward : IReward, IBoundedReward, IDisposable
{
    private readonly VlmJudgeSettings _settings;
    private readonly PartContext _context;
    private readonly Endpoint _endpoint;
    private readonly Rubric _rubric;
    private readonly AnswerCache? _cache;
    private readonly ServiceFaults _faults;
    private readonly ChatReply _reply;
    private readonly ServiceClient _client;

    private VlmJudgeReward(VlmJudgeSettings settings, PartContext context, Endpoint endpoint, Rubric rubric, AnswerCache? cache)
    {
        (_settings, _context, _endpoint, _rubric, _cache) = (settings, context, endpoint, rubric, cache);
        _faults = new ServiceFaults(context.Name, endpoint);
        _reply = new ChatReply(_faults);
        _client = new ServiceClient(endpoint, settings, _faults, TimeProvider.System, context.Stop);
    }

    /// <inheritdoc/>
    public ScoreRange Range { get; } = new(0, 1);

    /// <summary>Reads the rubric and prepares to ask a service; it is not asked yet.</summary>
    /// <returns>
    /// A fault when the url is no http or https address, or http to another machine without <c>allowInsecure</c>; the variable of the token is not set; the rubric cannot be
    /// read or states no form of an answer; or the folder of the cache cannot be made.
    /// </returns>
    public static Result<VlmJudgeReward> Create(VlmJudgeSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        return from endpoint in Endpoint.Create(settings.Url, settings.TokenVariable, context.Name)
               from guarded in settings.AllowInsecure ? Result.Ok(endpoint) : endpoint.Guarded(context.Name)
               from rubric in Rubric.Read(context.Resolve(settings.Rubric))
               from cache in settings.Cache is null ? Result.Ok<AnswerCache?>(null) : AnswerCache.Open(context.Resolve(settings.Cache), context.Warn).Map(static opened => (AnswerCache?)opened)
               select new VlmJudgeReward(settings, context, guarded, rubric, cache);
    }

    /// <inheritdoc/>
    /// <exception cref="FaultException">
    /// The service cannot be reached, is too slow, refuses or answers no chat completion; a reply has not the form of the rubric and <c>missing</c> is <c>fail</c>; or a picture
    /// is not finite.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop while the service had not answered an attempt well.</exception>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        var pictures = SentPictures.Of(images, prompts, _context.Name);
        var questions = prompts.Select((prompt, index) => (Key: QuestionKey.Of(pictures[index], prompt.Text, _rubric, _settings.Model, _endpoint.Url), Index: index))
            .GroupBy(static question => question.Key, static question => question.Index, StringComparer.Ordinal).ToArray();
        var scores = new float[prompts.Count];
        SentPictures.Ask(questions.Length, _settings.Concurrency, async (number, cancellation) =>
        {
            var first = questions[number].First();
            var score = await Judge(questions[number].Key, pictures[first], prompts[first].Text, cancellation);
            foreach (var index in questions[number]) scores[index] = score;
        });
        return tensor(scores, dtype: ScalarType.Float32, device: images.device);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<float> Judge(string key, PictureBytes picture, string caption, CancellationToken cancellation)
    {
        if (_cache?.Find(key) is { } known && _rubric.Form.Score(known) is { } kept) return (float)kept;
        var png = picture.ToPng();
        var reply = _reply.Read(await _client.Post(ChatQuestion.Write(_settings.Model, _rubric, png, caption, again: false), cancellation));
        if (_rubric.Form.Read(reply) is null)
        {
            // As an attempt that failed: there is no other behind it when the run is asked to stop.
            _context.Stop.ThrowIfCancellationRequested();
            reply = _reply.Read(await _client.Post(ChatQuestion.Write(_settings.Model, _rubric, png, caption, again: true), cancellation));
        }
        if (_rubric.Form.Read(reply) is not { } answer || _rubric.Form.Score(answer) is not { } score)
            return _settings.Missing == MissingAnswer.Skip ? float.NaN : throw Missing(reply, caption);
        _cache?.Keep(key, answer);
        return (float)score;
    }

    private FaultException Missing(string reply, string caption) => _faults.Malformed(
        $"gave no {_rubric.Form.Words} in the last line of two replies to the picture of {_faults.Caption(caption)}; the second was {_faults.Excerpt(Encoding.UTF8.GetBytes(reply))}");
}
