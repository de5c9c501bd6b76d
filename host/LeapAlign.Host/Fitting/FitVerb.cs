using System.CommandLine;
using System.Globalization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Fitting.Sites;

namespace LeapAlign.Host.Fitting;

/// <summary>Fits a reward of plugins.json to another's scores of what the model draws, or to scores or preferences of a file.</summary>
internal sealed class FitVerb(PlanRun run, RewardFitting fitting, SiteFitting sites) : IVerb
{
    // What is made; what a run needs beside is not asked for.
    private static readonly string[] s_ofFiles = [PartKinds.Model, PartKinds.Prompts, PartSection.Rewards];
    private static readonly string[] s_ofDrawings = [.. s_ofFiles, PartKinds.Sampler];

    private readonly Argument<string> _reward = new("reward") { Description = "The name of the reward of plugins.json that is fitted; its settings say where it is kept." };
    private readonly Option<string?> _from = new(FitOptions.FromOption) { Description = "A reward of plugins.json by its name: its scores of pictures that the model draws for the captions of training.", HelpName = "name" };
    private readonly Option<string?> _scores = new(FitOptions.ScoresOption) { Description = "A file of rows, each with a \"file\", its \"caption\" and its \"score\", instead.", HelpName = "path" };
    private readonly Option<string?> _pairs = new(FitOptions.PairsOption) { Description = "A file of rows, each with a \"caption\" and the pictures \"preferred\" and \"rejected\", instead.", HelpName = "path" };
    private readonly Option<int> _pictures = new("--pictures", "-n") { Description = "Pictures that are drawn.", DefaultValueFactory = static _ => new FitOptions("").Pictures };
    private readonly Option<int> _updates = new("--updates") { Description = "Updates of the reward.", DefaultValueFactory = static _ => new FitOptions("").Updates };
    private readonly Option<int> _slopes = new("--slopes") { Description = "Samples of an update whose gradients are learnt, too, where the other reward has one; 0 learns scores alone, much faster.", DefaultValueFactory = static _ => new FitOptions("").Slopes };
    private readonly Option<double> _heldOut = new("--held-out") { Description = "The share of captions that it does not learn from, and is measured by.", DefaultValueFactory = static _ => new FitOptions("").HeldOut };
    private readonly Option<string> _sigmas = new(FitOptions.SigmasOption) { Description = "The noise levels that it is fitted at: 0, and others up to 1.", HelpName = "0,0.5", DefaultValueFactory = static _ => "0,0.25,0.5,0.75" };
    private readonly Option<bool> _ridge = new(FitOptions.RidgeOption) { Description = "Solves for the last layer at the end, with the penalty at which captions that are set aside for it are told best." };
    private readonly Option<string?> _effects = new(FitOptions.EffectsOption) { Description = "With --ridge: writes what the weight of each sample that was learnt from does to the error of the held-out captions, as comma-separated values, and names those that hurt most; - for standard output.", HelpName = "path" };
    private readonly Option<long> _seed = new("--seed") { Description = "The seed of everything that is drawn." };
    private readonly Option<bool> _replace = new(FitOptions.ReplaceOption) { Description = "Puts the reward in the place of one that is there." };

    private readonly Option<string?> _over = new(FitOptions.OverOption) { Description = "Fits the last layer over the processes of a launcher, sites with a file each; neighbours in this graph exchange what they need: ring, path, complete, or edges such as 0-1,1-2. {rank} in the path of a file is the number of the site.", HelpName = "graph" };
    private readonly Option<double> _penalty = new(FitOptions.PenaltyOption) { Description = "With --over: the penalty of the last layer, where what goes into it has variance 1.", HelpName = "λ", DefaultValueFactory = static _ => new FitOptions("").Penalty };
    private readonly Option<string?> _layers = new(FitOptions.LayersOption) { Description = "With --over: a fitted reward whose layers but the last are taken, the same file for all sites; without it the seed draws them.", HelpName = "path" };
    private readonly Option<bool> _resume = new(FitOptions.ResumeOption) { Description = "With --over: goes on from what the sites kept when they were stopped." };

    public bool WritesFiles => true;

    public Command Describe()
    {
        _pictures.Limit(8, 1_000_000);
        _updates.Limit(1, 10_000_000);
        _slopes.Limit(0, 4096);
        _seed.Limit(0, long.MaxValue);
        _heldOut.LimitReal(0.01, 0.9);
        _penalty.LimitReal(1e-6, 1e6);
        _sigmas.Validators.Add(static result =>
        {
            if (result.Tokens is [var token] && Levels(token.Value) is null) result.AddError($"{FitOptions.SigmasOption} is 0 and rising noise levels up to 1, such as 0,0.25,0.5, not {Quoted.Words(token.Value)}");
        });
        var command = new Command("fit", "Fits a reward of latents to another reward's scores, or to scores or preferences of a file, and says how well it fits.")
        {
            _reward, _from, _scores, _pairs, _pictures, _updates, _slopes, _heldOut, _sigmas, _ridge, _effects, _seed, _replace, _over, _penalty, _layers, _resume,
        };
        command.Validators.Add(result =>
        {
            Option[] given = [.. new Option[] { _from, _scores, _pairs }.Where(option => result.GetResult(option) is not null)];
            if (given.Length != 1) result.AddError($"{(given.Length == 0 ? "nothing says what is learnt" : $"{given[0].Name} and {given[1].Name} are both given")}; expected one of {FitOptions.FromOption}, {FitOptions.ScoresOption} and {FitOptions.PairsOption}");
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(_pairs) is not null && result.GetValue(_ridge)) result.AddError($"{FitOptions.RidgeOption} solves for scores, and {FitOptions.PairsOption} has none");
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(_effects) is not null && !result.GetValue(_ridge)) result.AddError($"{FitOptions.EffectsOption} is about the layer that is solved for; give {FitOptions.RidgeOption}, too");
        });
        command.Validators.Add(result =>
        {
            bool Given(Option option) => result.GetResult(option) is { Implicit: false };
            if (!Given(_over))
            {
                if (new Option[] { _penalty, _layers, _resume }.FirstOrDefault(Given) is { } lone) result.AddError($"{lone.Name} is for sites that fit together; give {FitOptions.OverOption}, too");
                return;
            }
            if (new Option[] { _from, _pictures, _updates, _slopes, _ridge, _effects }.FirstOrDefault(Given) is { } other) result.AddError($"{other.Name} and {FitOptions.OverOption} are both given: sites fit the last layer to files of {FitOptions.ScoresOption} or {FitOptions.PairsOption}");
        });
        command.KeepApart([_effects], _scores, _pairs, _layers);
        command.SetAction(Invoke);
        return command;
    }

    private static double[]? Levels(string text)
    {
        List<double> levels = [];
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var level) || !double.IsFinite(level) || level > 1) return null;
            if (levels.Count == 0 ? level != 0 : level <= levels[^1]) return null;
            levels.Add(level);
        }
        return [.. levels];
    }

    private int Invoke(ParseResult parsed)
    {
        var options = new FitOptions(parsed.GetValue(_reward)!)
        {
            From = parsed.GetValue(_from),
            Scores = parsed.GetValue(_scores),
            Pairs = parsed.GetValue(_pairs),
            Pictures = parsed.GetValue(_pictures),
            Updates = parsed.GetValue(_updates),
            Slopes = parsed.GetValue(_slopes),
            HeldOut = parsed.GetValue(_heldOut),
            Sigmas = Levels(parsed.GetValue(_sigmas)!)!,
            Seed = parsed.GetValue(_seed),
            Ridge = parsed.GetValue(_ridge),
            Effects = parsed.GetValue(_effects),
            Replaces = parsed.GetValue(_replace),
            Over = parsed.GetValue(_over),
            Penalty = parsed.GetValue(_penalty),
            Layers = parsed.GetValue(_layers),
            Resumes = parsed.GetValue(_resume),
        };
        if (options.Over is not null) return Invoke(parsed, options with { Scores = OfSite(options.Scores), Pairs = OfSite(options.Pairs) });
        return run.Run(CompositionSource.Of(parsed), workspace => workspace.ComposeParts(source => WithPictures(source, options), options.From is null ? s_ofFiles : s_ofDrawings), (plan, _, stop) => fitting.Fit(plan, options, stop));
    }

    private int Invoke(ParseResult parsed, FitOptions options) =>
        run.Run(CompositionSource.Of(parsed), workspace => workspace.ComposeParts(source => WithPictures(source, options), [.. s_ofFiles, PartKinds.Collective]), (plan, _, stop) => sites.Fit(plan, options, stop));

    // One command line for all processes of a launcher.
    private static string? OfSite(string? path) => path?.Replace("{rank}", (Launcher.Here?.Rank ?? 0).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    // Pictures of a file stand in the place of the captions of training, and what a run would do with those is not asked.
    private static JsonSource WithPictures(JsonSource source, FitOptions options) => options.Scores is { } scores
        ? FileOfRows.Pictures.In(source, PartKinds.Prompts, scores, FitOptions.ScoresOption)
        : FileOfRows.Preferences.In(source, PartKinds.Prompts, options.Pairs, FitOptions.PairsOption);
}
