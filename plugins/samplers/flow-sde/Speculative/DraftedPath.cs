using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Drafts;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Speculative;

/// <summary>
/// A batch on its way, each sample at a step of its own: rounds of proposals, one evaluation of the target for all states of a round, and as many steps of each sample as were accepted, and one more. Steps without noise, and those
/// that nothing proposes yet, end a round: only the target can make them.
/// </summary>
/// <param name="path">The way.</param>
/// <param name="draws">What is drawn for its steps.</param>
/// <param name="sampler">Makes steps.</param>
/// <param name="roles">Whose law samples have, who drafts (null: the target's last velocity), and how far.</param>
internal sealed class DraftedPath(SamplingPath path, PathDraws draws, IStochasticSampler sampler, (VelocityAhead Target, VelocityAhead? Drafter, int Drafts) roles)
{
    private readonly Dictionary<int, double> _deviations = [];
    private readonly SortedDictionary<int, PassedSamples> _passed = [];
    private Traveller[] _samples = [];
    private int _told = path.From, _proposed, _accepted;

    /// <summary>Goes to the end, without gradient.</summary>
    /// <param name="latents">[B, ...] at σ_From; it is not disposed.</param>
    public Tensor Roll(Tensor latents)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _samples = [.. Enumerable.Range(0, (int)latents.shape[0]).Select(place => new Traveller(place, path.From, latents.narrow(0, place, 1)))];
        while (_samples.Any(sample => sample.At < path.To)) Round();
        if (_proposed > 0) Measure("draft_accepted", [(double)_accepted / _proposed]);
        Measure("target_calls", [.. _samples.Select(static sample => (double)sample.Rounds)]);
        return cat([.. _samples.Select(static sample => sample.State)]).MoveToOuterDisposeScope();
    }

    private void Round()
    {
        using var scope = NewDisposeScope();
        var moving = _samples.Where(sample => sample.At < path.To).ToArray();
        var chains = Chains(moving);
        // Sample by sample, so that the captions of a round are those of the round before while all samples move.
        Link[] links = [.. chains.SelectMany(static chain => chain)];
        var velocities = roles.Target(cat([.. links.Select(static link => link.State)]), [.. links.Select(static link => link.Sample)], [.. links.Select(static link => link.Step)]);
        for (var place = 0; place < links.Length; place++) Judge(links[place], velocities.narrow(0, place, 1));
        var ratios = LogRatios(links);
        foreach (var (sample, chain) in moving.Zip(chains)) Advance(sample, chain, ratios);
        Tell();
    }

    private List<Link>[] Chains(Traveller[] moving)
    {
        List<Link>[] chains = [.. moving.Select(static _ => new List<Link>())];
        Link[] fronts = [.. moving.Select(sample => Begun(sample, sample.At, sample.State))];
        for (var wave = 0; wave < roles.Drafts && fronts.Length > 0; wave++)
        {
            Link[] proposing = [.. fronts.Where(Proposes)];
            using var velocities = proposing.Length > 0 && roles.Drafter is { } drafter
                ? drafter(cat([.. proposing.Select(static link => link.State)]), [.. proposing.Select(static link => link.Sample)], [.. proposing.Select(static link => link.Step)])
                : null;
            for (var place = 0; place < proposing.Length; place++)
            {
                var link = proposing[place];
                var draft = sampler.Transition(link.State, velocities?.narrow(0, place, 1) ?? _samples[link.Sample].Last!, path.Schedule, link.Step);
                (link.Draft, link.Proposal) = (draft.Mean, draft.Next(link.Noise!));
            }
            foreach (var link in fronts) chains[Array.FindIndex(moving, sample => sample.Place == link.Sample)].Add(link);
            fronts = [.. proposing.Where(link => link.Step + 1 < path.To).Select(link => Begun(_samples[link.Sample], link.Step + 1, link.Proposal!))];
        }
        return chains;
    }

    private Link Begun(Traveller sample, int step, Tensor state) => new(sample.Place, step, state) { Noise = draws.Noise(step)?.narrow(0, sample.Place, 1) };

    private bool Proposes(Link link) => link.Noise is not null && Deviation(link.Step) > 0 && (roles.Drafter is not null || _samples[link.Sample].Last is not null);

    private double Deviation(int step)
    {
        if (_deviations.TryGetValue(step, out var known)) return known;
        using var scope = NewDisposeScope();
        var nothing = zeros(1, 1);
        return _deviations[step] = sampler.Transition(nothing, nothing, path.Schedule, step).Deviation;
    }

    private void Judge(Link link, Tensor velocity)
    {
        link.Velocity = velocity;
        if (link.Noise is null)
        {
            link.Otherwise = RectifiedFlow.Leap(link.State, velocity, path.Schedule.Delta(link.Step, link.Step + 1));
            return;
        }
        var step = sampler.Transition(link.State, velocity, path.Schedule, link.Step);
        if (link.Draft is null)
        {
            link.Otherwise = step.Next(link.Noise);
            return;
        }
        var draft = new GaussianDraft(link.Draft, step.Mean, step.Deviation);
        (link.LogRatio, link.Otherwise) = (draft.LogRatio(link.Noise), draft.Reflected(link.Noise));
    }

    // One read for all proposals of a round.
    private static Dictionary<Link, double> LogRatios(Link[] links)
    {
        Link[] proposed = [.. links.Where(static link => link.LogRatio is not null)];
        if (proposed.Length == 0) return [];
        using var together = cat([.. proposed.Select(static link => link.LogRatio!)]);
        using var here = together.cpu();
        return proposed.Zip(here.data<double>()).ToDictionary();
    }

    private void Advance(Traveller sample, List<Link> chain, Dictionary<Link, double> ratios)
    {
        sample.Rounds++;
        foreach (var link in chain)
        {
            var accepted = ratios.TryGetValue(link, out var ratio) && Math.Log(draws.Uniform(link.Step, link.Sample)) <= ratio;
            if (link.LogRatio is not null) (_proposed, _accepted) = (_proposed + 1, _accepted + (accepted ? 1 : 0));
            var next = accepted ? link.Proposal! : link.Otherwise!;
            if (path.Passed is not null) PassedAt(link.Step).Take(sample.Place, link.State, link.Velocity!, next);
            sample.Move(next, link.Velocity!);
            if (!accepted) break;
        }
    }

    private PassedSamples PassedAt(int step)
    {
        if (!_passed.TryGetValue(step, out var samples)) _passed[step] = samples = new PassedSamples(_samples.Length);
        return samples;
    }

    private void Tell()
    {
        for (var behind = _samples.Min(static sample => sample.At); _told < behind; _told++)
        {
            draws.Forget(_told);
            if (!_passed.Remove(_told, out var samples)) continue;
            using var scope = NewDisposeScope();
            path.Passed!(samples.At(_told));
        }
    }

    private void Measure(string name, double[] values) => path.Measured?.Invoke(new Measurement(name, tensor(values).MoveToOuterDisposeScope()));

    /// <summary>A step of a sample in a round.</summary>
    private sealed class Link(int sample, int step, Tensor state)
    {
        public int Sample { get; } = sample;

        public int Step { get; } = step;

        public Tensor State { get; } = state;

        public Tensor? Noise { get; init; }

        public Tensor? Draft { get; set; }

        public Tensor? Proposal { get; set; }

        public Tensor? Velocity { get; set; }

        public Tensor? LogRatio { get; set; }

        /// <summary>The next state where the proposal is not taken, or there is none.</summary>
        public Tensor? Otherwise { get; set; }
    }
}
