using System.Diagnostics.Metrics;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>
/// People say which of two pictures of a caption they prefer, on a page of this machine, and the strengths of Bradley and Terry make scores of it (<see cref="Strengths"/>). Pictures are rounded to 8 bits, so there is
/// no gradient. What was voted on is not asked again.
/// </summary>
public sealed class PreferenceHumanReward : IGroupReward, IBoundedReward, IDisposable
{
    private const double Undecided = 0.5;

    private readonly PreferenceHumanSettings _settings;
    private readonly PartContext _context;
    private readonly TimeProvider _time;
    private readonly Poll _poll;
    private readonly VotePage _votes;
    private readonly ILocalPage _page;
    private readonly Histogram<double> _waited;
    private readonly Counter<long> _given;
    private bool _warnedOfOne;

    private PreferenceHumanReward(PreferenceHumanSettings settings, PartContext context, TimeProvider time, Poll poll, VotePage votes, ILocalPage page)
    {
        (_settings, _context, _time, _poll, _votes, _page) = (settings, context, time, poll, votes, page);
        _waited = context.Meter.CreateHistogram<double>("leapalign.votes.wait", "s", "Time that a group of pictures waited for votes.");
        _given = context.Meter.CreateCounter<long>("leapalign.votes.given", "{vote}", "Votes that scores were made of, those of the folder among them.");
    }

    /// <inheritdoc/>
    public ScoreRange Range { get; } = new(0, 1);

    /// <summary>Opens the folder of votes and shows the page; nobody is asked anything yet.</summary>
    /// <returns>A fault when votes cannot be kept in the folder, or the page cannot have its port.</returns>
    public static Result<PreferenceHumanReward> Create(PreferenceHumanSettings settings, PartContext context) => Create(settings, context, TimeProvider.System);

    /// <inheritdoc/>
    /// <exception cref="FaultException">A picture is not finite, nobody voted in time and <c>missing</c> is <c>fail</c>, or a disk cannot keep that the run went on without votes.</exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop while votes were missing; those that were given are kept.</exception>
    public Tensor Score(Tensor images, Prompt prompt)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompt);
        RequireFinite(images);
        var group = PictureGroup.Of(prompt.Text, PictureBytes.Of(images));
        if (group.Places.Count == 1) WarnOfOne(prompt);
        // One picture, or several that are equal: there is nothing to prefer.
        var scores = group.Pictures.Count == 1 ? [Undecided] : Scores(group);
        return tensor(group.Places.Select(place => (float)scores[place]).ToArray(), dtype: ScalarType.Float32, device: images.device);
    }

    /// <inheritdoc/>
    public void Dispose() => _page.Dispose();

    /// <summary>The same, with a clock of the test's.</summary>
    internal static Result<PreferenceHumanReward> Create(PreferenceHumanSettings settings, PartContext context, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        return from book in VoteBook.Open(context.Resolve(settings.Folder), context.Warn)
               let poll = new Poll(book, settings, time)
               let votes = new VotePage(poll, context.Warn)
               from page in context.Pages.Serve("votes are given", settings.Port, votes.Answer)
               select new PreferenceHumanReward(settings, context, time, poll, votes, page);
    }

    private double[] Scores(PictureGroup group)
    {
        using var open = _poll.Open(group, group.Pairs(_settings.Pairs));
        Await(open);
        _votes.Forget();
        _given.Add(open.Pairs.Sum(static pair => pair.Votes.Votes.Count));
        var missing = open.Pairs.Count(static pair => pair.Votes.Won is null);
        if (missing > 0 && _settings.Missing == MissingVote.Fail)
        {
            throw new FaultException(new Fault.Run(FaultCodes.NoVotes, FormattableString.Invariant(
                $"reward '{_context.Name}': nobody voted on {missing} of {open.Pairs.Count} pairs of pictures of '{group.Caption}' within {_settings.Patience:0.#} s, and missing is fail")));
        }
        if (missing > 0 && _settings.Missing == MissingVote.Skip) return [.. group.Pictures.Select(static _ => double.NaN)];
        Comparison[] comparisons = [.. open.Pairs.Select(static pair => new Comparison(pair.Pair.First, pair.Pair.Second, pair.Votes.Won ?? Undecided))];
        return Strengths.Scores(Strengths.Of(group.Pictures.Count, comparisons, _settings.Prior));
    }

    private void Await(Poll.OpenGroup open)
    {
        if (open.IsOver) return;
        using var span = _context.Spans.StartActivity("votes")?.SetTag("leapalign.votes.pairs", open.Pairs.Count);
        var began = _time.GetTimestamp();
        if (_settings.Rule == VoteRule.Wait || _settings.Patience > 0)
        {
            using var patience = new CancellationTokenSource(_settings.Rule == VoteRule.Wait ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(_settings.Patience), _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _context.Stop);
            using (_page.Await(open.VotesLeft == 1 ? "1 vote" : FormattableString.Invariant($"{open.VotesLeft} votes"))) Wait(open, either.Token);
        }
        if (!open.IsOver && !open.GiveUp().TryGet(out _, out var fault)) throw new FaultException(fault);
        _waited.Record(_time.GetElapsedTime(began).TotalSeconds);
        span?.SetTag("leapalign.votes.given", open.Pairs.Count(static pair => pair.Votes.Won is not null));
    }

    private void Wait(Poll.OpenGroup open, CancellationToken either)
    {
        try
        {
            open.Wait(either);
        }
        // The end of the patience; of the run itself it goes on.
        catch (OperationCanceledException) when (!_context.Stop.IsCancellationRequested)
        {
        }
    }

    private void WarnOfOne(Prompt prompt)
    {
        if (_warnedOfOne) return;
        _warnedOfOne = true;
        _context.Warn(new Fault.Run(
            FaultCodes.NoVotes,
            $"reward '{_context.Name}': a picture of '{prompt.Text}' stands alone, so that nobody can prefer it: its score is 0.5, and so is that of others; run.batch holds whole groups of run.group above 1, and evaluation.imagesPerPrompt is above 1, where scores shall say something"));
    }

    // A number that is none has no 8-bit value; what the cast made of it would be shown as a picture.
    private void RequireFinite(Tensor images)
    {
        using var scope = NewDisposeScope();
        if (images.isfinite().all().item<bool>()) return;
        throw new FaultException(new Fault.Run(FaultCodes.NotFinite, $"reward '{_context.Name}' was given a picture that is not finite"));
    }
}
