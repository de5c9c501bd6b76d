using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Streams;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Commands.Verbs.Runs;
using LeapAlign.Host.Filtering;
using LeapAlign.Host.Fitting;
using LeapAlign.Host.Fitting.Sites;
using LeapAlign.Host.Influences;
using LeapAlign.Host.Likelihoods;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Planning;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Profiling;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Scored;
using LeapAlign.Host.Searching;
using LeapAlign.Host.Sweeps;
using LeapAlign.Host.Telemetry;
using LeapAlign.Host.Telemetry.Measures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace LeapAlign.Host;

/// <summary>The services of the program. Plugins get none of them: types of a plugin in this container would keep the plugin in memory.</summary>
internal static class HostServices
{
    /// <summary>Puts the program together.</summary>
    /// <param name="verbose">Whether the log tells details.</param>
    public static IHost Build(bool verbose)
    {
        // First of all, because the logger takes standard error as it is when it is made.
        var terminal = StandardStreams.Open();
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(verbose ? LogLevel.Debug : LogLevel.Information);
        builder.Logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        // What the run logs is for collectors of logs: the terminal shows it in its own way.
        if (!verbose) builder.Logging.AddFilter<ConsoleLoggerProvider>(RunLog.Category, LogLevel.None);
        // Results go to the standard output, everything said about them to the other stream.
        builder.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton(terminal)
            .AddSingleton<IPluginLoader, IsolatedPluginLoader>()
            .AddSingleton(new BundledPlugins(Path.Combine(AppContext.BaseDirectory, "plugins")))
            .AddVerbs();
        var host = builder.Build();
        Thrown.LogTo(host.Services.GetRequiredService<ILoggerFactory>());
        return host;
    }

    /// <summary>Adds every verb of the command line.</summary>
    public static IServiceCollection AddVerbs(this IServiceCollection services) => services
        .AddSingleton<CommandLine>()
        .AddSingleton<RunTelemetry>()
        .AddSingleton<Workspaces>()
        .AddSingleton<PlanRun>()
        .AddSingleton<IVerb, ListVerb>()
        .AddSingleton<IVerb, SettingsVerb>()
        .AddSingleton<IVerb, ValidateVerb>()
        .AddSingleton<IVerb, InitVerb>()
        .AddSingleton<IVerb, SchemaVerb>()
        .AddSingleton<IVerb, PinVerb>()
        .AddSingleton<IVerb, DoctorVerb>()
        .AddSingleton<StepReplay>()
        .AddSingleton<IVerb, ReplayVerb>()
        .AddSingleton<StepInfluence>()
        .AddSingleton<IVerb, InfluenceVerb>()
        .AddSingleton<ModelOfCheckpoint>()
        .AddSingleton<IVerb, CheckpointVerb>()
        .AddSingleton<IVerb, ReportVerb>()
        .AddSingleton<IVerb, WatchVerb>()
        .AddSingleton<ShortRun>()
        .AddSingleton<IVerb, ProfileVerb>()
        .AddSingleton<IVerb, PlanVerb>()
        .AddSingleton<PictureFilter>()
        .AddSingleton<RewardFitting>()
        .AddSingleton<SiteFitting>()
        .AddSingleton<IVerb, FilterVerb>()
        .AddSingleton<IVerb, FitVerb>()
        .AddSingleton<Scorer>()
        .AddSingleton<IVerb, ScoreVerb>()
        .AddSingleton<PictureLikelihoods>()
        .AddSingleton<IVerb, LikelihoodVerb>()
        .AddSingleton<SweepComposer>()
        .AddSingleton<IMemberProcess, MemberProcess>()
        .AddSingleton<SweepRun>()
        .AddSingleton<SweptMember>()
        .AddSingleton<IVerb, SweepVerb>()
        .AddSingleton<SearchRun>()
        .AddSingleton<IVerb, SearchVerb>()
        .AddTraining<Training>()
        .AddGeneration<Generation>();

    /// <summary>Adds <c>train</c>.</summary>
    /// <typeparam name="TTraining">The run loop.</typeparam>
    public static IServiceCollection AddTraining<TTraining>(this IServiceCollection services)
        where TTraining : class, ITraining => services.AddSingleton<ITraining, TTraining>().AddSingleton<IVerb, TrainVerb>();

    /// <summary>Adds <c>generate</c>.</summary>
    /// <typeparam name="TGeneration">What draws.</typeparam>
    public static IServiceCollection AddGeneration<TGeneration>(this IServiceCollection services)
        where TGeneration : class, IGeneration => services.AddSingleton<IGeneration, TGeneration>().AddSingleton<IVerb, GenerateVerb>();
}
