using System.Text;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using Microsoft.Extensions.DependencyInjection;
using Spectre.Console;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>The program's command line with its streams caught, and with training and generation that note what they were asked for.</summary>
internal sealed class TestTerminal : ITraining, IGeneration
{
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public TrainOptions? Trained { get; private set; }

    public GenerateOptions? Generated { get; private set; }

    /// <summary>The resolved plan of the last run; the plan itself would keep the plugin in memory.</summary>
    public string? Resolved { get; private set; }

    /// <summary>A screen in place of the redirected output.</summary>
    public TestScreen? Screen { get; init; }

    /// <summary>Why its output is lost.</summary>
    public string? Lost { get; init; }

    /// <summary>What a run does.</summary>
    public Func<CancellationToken, Result<Completion>> Outcome { get; init; } = static _ => Completion.Whole;

    /// <summary>Runs a command with the test plugins of a folder as the bundled ones.</summary>
    public int Run(string bundled, params string[] arguments)
    {
        using var output = new StringWriter(_output);
        using var error = new StringWriter(_error);
        var console = Screen?.Console ?? AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No, Interactive = InteractionSupport.No });
        if (Screen is null) console.Profile.Width = 400;
        using var services = new ServiceCollection()
            .AddSingleton(new Terminal(console, error) { Lost = () => Lost })
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IPluginLoader, IsolatedPluginLoader>()
            .AddSingleton(new BundledPlugins(bundled))
            .AddLogging()
            .AddVerbs()
            .AddSingleton<ITraining>(this)
            .AddSingleton<IGeneration>(this)
            .BuildServiceProvider();
        return services.GetRequiredService<CommandLine>().Run(arguments);
    }

    public Result<Completion> Train(RunPlan plan, TrainOptions options, CancellationToken stop)
    {
        (Trained, Resolved) = (options, plan.ResolvedJson);
        return Outcome(stop);
    }

    public Result<Completion> Generate(RunPlan plan, GenerateOptions options, CancellationToken stop)
    {
        (Generated, Resolved) = (options, plan.ResolvedJson);
        return Outcome(stop);
    }
}
