using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Pipelines;

/// <summary>Reads scheduler_config.json of diffusers' <c>FlowMatchEulerDiscreteScheduler</c>.</summary>
public static class SchedulerConfig
{
    /// <summary>The scheduler whose noise levels LeapAlign computes.</summary>
    public const string ClassName = "FlowMatchEulerDiscreteScheduler";

    private const string FlowSigmas = "use_flow_sigmas";
    private const string Dynamic = "use_dynamic_shifting";
    private static readonly string[] s_spacings = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"];

    /// <summary>Its fields.</summary>
    public static FileFormat Format { get; } = new("scheduler/scheduler_config.json", $"diffusers {ClassName}",
    [
        RefusedUnless("_class_name", $"{ClassName}, or absent"),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        Honoured("num_train_timesteps", "the network's time is this times the noise level; the end of a table without sigmas"),
        Honoured("shift", "the static shift"),
        Honoured(Dynamic, "whether the shift depends on the picture's size"),
        Honoured("base_shift", "of the dynamic shift"),
        Honoured("max_shift", "of the dynamic shift"),
        Honoured("base_image_seq_len", "of the dynamic shift"),
        Honoured("max_image_seq_len", "of the dynamic shift"),
        Honoured("time_shift_type", "of the dynamic shift: exponential or linear"),
        Honoured("shift_terminal", "the last level before 0; null or 0 is none"),
        Honoured("use_karras_sigmas", "spacing of the levels; at most one of the three"),
        Honoured("use_exponential_sigmas", "spacing of the levels; at most one of the three"),
        Honoured("use_beta_sigmas", "spacing of the levels; at most one of the three"),
        Honoured("sigma_min", "the last level of such a spacing"),
        Honoured("sigma_max", "the first level of such a spacing"),
        RefusedUnless(FlowSigmas, "false, but in a StableDiffusion3Pipeline, which does not read it: a schedule is chosen in plugins.json, pipeline-default for instance"),
        RefusedUnless("invert_sigmas", "false: a path goes from noise to data"),
        RefusedUnless("stochastic_sampling", "false: a sampler that adds noise is chosen in plugins.json, flow-sde for instance"),
    ])
    { IsOfDiffusers = true };

    /// <summary>Reads a file.</summary>
    /// <param name="path">The scheduler_config.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <param name="family">The class of pipeline, which may read a field that the scheduler does not; null refuses no such field.</param>
    /// <returns>Everything but the number of image tokens; a fault when the file is absent, or when a field is wrong or asks for what is not supported.</returns>
    public static Result<FlowScheduling> Read(string path, Action<Fault>? warn = null, PipelineFamily? family = null) =>
        ConfigFields.Read(path, fields => From(fields, family is { ReadsFlowSigmas: true }), Format, warn);

    private static FlowScheduling From(ConfigFields fields, bool readsFlowSigmas)
    {
        var defaults = new FlowScheduling();
        // Null is no class for diffusers, while a file without the field is.
        fields.Require(!fields.IsNull("_class_name"), "_class_name", $"is null, but has to be {ClassName}, or absent");
        fields.Word("_class_name", ClassName);
        var isDynamic = fields.Flag(Dynamic, absent: false);
        // diffusers reads what the dynamic shift needs only when there is one; until then null is as good as a number.
        double Number(string key, double absent) => !isDynamic && fields.IsNull(key) ? absent : fields.Number(key, absent);
        int Tokens(string key, int absent) => !isDynamic && fields.IsNull(key) ? absent : fields.Size(key, absent);
        var scheduling = new FlowScheduling
        {
            TrainingSteps = fields.Size("num_train_timesteps", defaults.TrainingSteps),
            Shift = fields.Number("shift", defaults.Shift),
            UseDynamicShifting = isDynamic,
            TimeShift = fields.Word("time_shift_type", "exponential", "linear") == "linear" ? TimeShift.Linear : TimeShift.Exponential,
            BaseShift = Number("base_shift", defaults.BaseShift),
            MaxShift = Number("max_shift", defaults.MaxShift),
            BaseImageTokens = Tokens("base_image_seq_len", defaults.BaseImageTokens),
            MaxImageTokens = Tokens("max_image_seq_len", defaults.MaxImageTokens),
            TerminalSigma = Level(fields, "shift_terminal") is { } terminal and not 0 ? terminal : null,
            Spacing = Spacing(fields),
            LowestSigma = Level(fields, "sigma_min"),
            HighestSigma = Level(fields, "sigma_max"),
        };
        fields.Require(!fields.IsNull("time_shift_type"), "time_shift_type", "is null, but has to be exponential or linear");
        fields.Require(scheduling.Shift > 0, "shift", "has to be above 0");
        fields.Require(!isDynamic || scheduling.BaseImageTokens != scheduling.MaxImageTokens, "max_image_seq_len", "is the same as base_image_seq_len");
        fields.Require(scheduling.TerminalSigma is null or < 1, "shift_terminal", "has to be below 1");
        fields.Require(scheduling.LowestSigma is null or > 0, "sigma_min", "has to be above 0");
        var hasFlowSigmas = fields.Flag(FlowSigmas, absent: false);
        fields.Require(!hasFlowSigmas || !readsFlowSigmas, FlowSigmas, "is true, which is not supported: set it to false and choose the schedule of the sampler, pipeline-default for instance");
        fields.Require(!fields.Flag("invert_sigmas", absent: false), "invert_sigmas", "is true, which is not supported: paths go from noise to data");
        fields.Require(!fields.Flag("stochastic_sampling", absent: false), "stochastic_sampling", "is true, which is not supported: set it to false and choose a sampler that adds noise, flow-sde for instance");
        return scheduling;
    }

    private static SigmaSpacing Spacing(ConfigFields fields)
    {
        bool[] set = [.. s_spacings.Select(key => fields.Flag(key, absent: false))];
        fields.Require(set.Count(static one => one) <= 1, s_spacings[Array.LastIndexOf(set, true) is var last and >= 0 ? last : 0], $"is true, but only one of {string.Join(", ", s_spacings)} may be");
        return Array.IndexOf(set, true) switch
        {
            0 => SigmaSpacing.Karras,
            1 => SigmaSpacing.Exponential,
            2 => SigmaSpacing.Beta,
            _ => SigmaSpacing.Flow,
        };
    }

    private static double? Level(ConfigFields fields, string key)
    {
        if (!fields.Has(key)) return null;
        var level = fields.Number(key, 1);
        fields.Require(level is >= 0 and <= 1, key, $"is {level}, but a noise level lies between 0 and 1");
        return level;
    }
}
